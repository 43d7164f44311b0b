package text

// bucketID tells what becomes of balances, and who else uses them.
var bucketID = map[string]string{
	"left.rolls":        "Sisanya berlanjut sampai {date}.",
	"left.shared":       "Dibagi dengan grup Anda.",
	"desk.bucket.rolls": "sisanya berlanjut sampai {date}",
	"desk.bucket.share": "dibagi",
}
