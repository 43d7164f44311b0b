package reference

import (
	"github.com/labstack/echo/v4"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/portal/web"
)

// uploadAtMost bounds a form with a file.
const uploadAtMost = catalog.MaxTableBytes + 1<<20

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	read := func(path string, show func(*web.Visit) error) {
		console.GET(path, site.Console(identity.OfferingRead, show))
	}
	act := func(path string, do func(*web.Visit) error) {
		console.POST(path, site.Console(identity.OfferingWrite, do))
	}
	upload := func(path string, do func(*web.Visit) error) {
		console.POST(path, site.ConsoleUpload(identity.OfferingWrite, uploadAtMost, do))
	}
	read("/decks", showDecks)
	upload("/decks", uploadFirst)
	read("/decks/:deck", showDeck)
	upload("/decks/:deck/versions", uploadNext)
	act("/decks/:deck/names", nameDeck)
	read("/deck-versions/:version", showVersion)
	read("/deck-versions/:version/changes.csv", sendChanges)
	read("/deck-versions/:version/entries.csv", sendEntries)
	act("/deck-versions/:version/check", checkVersion)
	act("/deck-versions/:version/switch", switchVersion)
	act("/deck-versions/:version/take-back", takeBackVersion)
	act("/deck-versions/:version/restore", restoreVersion)
	act("/deck-versions/:version/discard", discardVersion)

	read("/calendars", showCalendars)
	act("/calendars", addCalendar)
	read("/calendars/:calendar", showCalendar)
	act("/calendars/:calendar/days", putDay)
	act("/calendars/:calendar/days/remove", removeDay)
	act("/calendars/:calendar/names", nameCalendar)
	act("/calendars/:calendar/remove", removeCalendar)
	upload("/calendars/:calendar/file", uploadDays)

	read("/rates", showRates)
	act("/rates", putRate)
	act("/rates/remove", removeRate)
	upload("/rates/file", uploadRates)
}
