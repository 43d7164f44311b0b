package text

// bucketRU tells what becomes of balances, and who else uses them.
var bucketRU = map[string]string{
	"left.rolls":        "Остаток перейдёт дальше до {date}.",
	"left.shared":       "Общий для вашей группы.",
	"desk.bucket.rolls": "остаток переходит до {date}",
	"desk.bucket.share": "общий",
}
