package text

// optionEN is about options that have prices of their own for usage.
var optionEN = map[string]string{
	"why.option":                    "Your option",
	"why.use.option":                "Use under the option {option}",
	"desk.plan.effect.option":       "The option {option} is not for the new plan and ends with the old one.",
	"replay.decks":                  "Decks of prefixes",
	"replay.decks.hint":             "Choose the present ones where a deck was put right after the usage.",
	"replay.decks.then":             "Those in force at the time of use",
	"replay.decks.present":          "The present ones",
	"replay.fault.decks":            "Choose the decks of then, or the present ones; for taking back those of then.",
	"why.use.plan":                  "Use at your plan's price",
	"catalog.label.option.priority": "Order of its usage prices (1 goes first)",
}
