package replays

import (
	"tollhouse/billing/replay"
	"tollhouse/portal/ui"
)

// decksField asks by which decks usage is to be priced.
func decksField(r ui.Reader, chosen string) (ui.Field, []ui.Choice) {
	f := ui.Field{ID: "decks", Label: r.T("replay.decks"), Hint: r.T("replay.decks.hint"), Value: chosen}
	var choices []ui.Choice
	for _, one := range []replay.Decks{replay.DecksThen, replay.DecksPresent} {
		choices = append(choices, ui.Choice{Value: string(one), Label: r.T("replay.decks." + string(one)), Chosen: chosen == string(one)})
	}
	return f, choices
}
