package text

var toldEN = map[string]string{
	"settings.done.choice": "Your choice is kept.",
	"told.card":            "How we write to you",
	"told.lead":            "Bills, payments and reminders come by these ways. With none, by e-mail, or by SMS where there is no address.",
	"told.way.mail":        "E-mail",
	"told.news":            "News and offers",
	"told.news.hint":       "Bills and reminders come in any case.",
	"told.none":            "No messages yet",
	"told.none.more":       "What we write to you stands here.",
	"told.open":            "Open",
	"told.way.portal":      "In the portal",
	"told.save":            "Save",
	"told.see":             "Your messages",
	"told.way.sms":         "SMS",
	"told.stop.dead":       "This link is not valid",
	"told.stop.dead.more":  "Sign in and choose on your account's page what you want to hear of.",
	"told.stop.do":         "Send me no offers",
	"told.stop.lead":       "{operator} will not write to you about offers any more. Bills and reminders come as before.",
	"told.stop.title":      "No more offers",
	"told.stopped":         "Done: you get no more offers.",
	"told.title":           "Your messages",
}
