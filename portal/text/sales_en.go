package text

// salesEN are the words about what is sold to whom: trials, options, migrations,
// sharing, and the terms of balances.
var salesEN = map[string]string{
	"sales.trial.again":         "Try it again",
	"sales.trial.changed":       "It has changed since it was tried. It can be published.",
	"sales.trial.go":            "Try it",
	"sales.trial.required":      "A trial is required before publishing",
	"sales.trial.required.hint": "A draft is published only after it has priced real usage of a past period.",
	"sales.trial.see":           "See this trial",
	"sales.trial.tried":         "This draft was tried on real usage.",
	"sales.trial.untried":       "It was not tried yet. It can be published without.",
	"sales.trial.wanted":        "It has to be tried as it stands now before it can be published.",
}
