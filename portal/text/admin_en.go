package text

var adminEN = map[string]string{
	"admin.door.title":           "Operator's console",
	"admin.door.lead":            "For the people of {operator}.",
	"admin.door.subscriber":      "This is the operator's door",
	"admin.door.subscriber.more": "Email and password are right, and they belong to a subscriber. Your own page is one link below.",
	"admin.door.other":           "I am a subscriber",
}
