package text

// bucketEN tells what becomes of balances, and who else uses them.
var bucketEN = map[string]string{
	"left.rolls":        "What is left then goes on until {date}.",
	"left.shared":       "Shared with your group.",
	"desk.bucket.rolls": "rolls over until {date}",
	"desk.bucket.share": "shared",
}
