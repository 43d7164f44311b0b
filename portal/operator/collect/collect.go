package collect

import (
	"github.com/labstack/echo/v4"

	"tollhouse/billing/identity"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/collection", site.Console(identity.AccountRead, showBoard))
	console.POST("/collection/hold", site.Console(identity.PaymentWrite, holdListed))
	console.POST("/collection/hold-all", site.Console(identity.PaymentWrite, holdAll))
	console.GET("/collection/ladders/form", site.Console(identity.SettingsRead, editLadders))
	console.POST("/collection/ladders/form", site.Console(identity.SettingsWrite, putForm))
	console.GET("/collection/agency.csv", site.Console(identity.PaymentRead, sendAgency))
	console.GET("/collection/letters.csv", site.Console(identity.PaymentRead, sendLetters))
	console.POST("/collection/letters", site.Console(identity.PaymentWrite, postLetters))
	console.GET("/collection/ladders", site.Console(identity.SettingsRead, showLadders))
	console.POST("/collection/ladders", site.Console(identity.SettingsWrite, putLadders))
	console.GET("/message-templates", site.Console(identity.SettingsRead, showTemplates))
	console.GET("/message-templates/:kind", site.Console(identity.SettingsRead, showTemplate))
	console.POST("/message-templates/:kind", site.Console(identity.SettingsWrite, changeTemplate))
	console.GET("/message-settings", site.Console(identity.SettingsRead, showSettings))
	console.POST("/message-settings", site.Console(identity.SettingsWrite, putSettings))
	console.POST("/message-settings/clear", site.Console(identity.AccountWrite, clearContact))
	at := "/subscribers/:account/collection"
	console.GET(at, site.Console(identity.AccountRead, showAccount))
	console.POST(at+"/promise", site.Console(identity.PaymentWrite, promise))
	console.POST(at+"/plan", site.Console(identity.PaymentWrite, plan))
	console.POST(at+"/hold", site.Console(identity.PaymentWrite, hold))
	console.POST(at+"/:arrangement/end", site.Console(identity.PaymentWrite, endArrangement))
	console.POST(at+"/standing", site.Console(identity.AccountWrite, putStanding))
	console.POST(at+"/retry", site.Console(identity.AccountWrite, retryNetwork))
}
