package notice

var english = map[Kind]written{
	"dunning_reminder": {
		subject: "Reminder: {amount} is overdue",
		letter:  "Hello {name},\n\nyour payment of {amount} for {bills} was due on {due}. Perhaps it has slipped your mind: please pay it now.\n\nIf you have paid already, thank you; nothing is to be done.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} was due on {due}. Please pay: {pay}",
	},
	"dunning_final": {
		subject: "Last reminder: {amount} is overdue",
		letter:  "Hello {name},\n\nin spite of our reminder, {amount} for {bills}, due on {due}, is still open. Unless it is paid, this follows on {next_day}: {next_step}.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: last reminder, {amount} is overdue. On {next_day}: {next_step}. Pay: {pay}",
	},
	"dunning_fee": {
		subject: "A fee for a late payment",
		letter:  "Hello {name},\n\n{amount} for {bills}, due on {due}, is still open. A fee of {fee} is on your next bill.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} is overdue. A fee of {fee} is on your next bill. Pay: {pay}",
	},
	"dunning_slow": {
		subject: "Your service is slower from now on",
		letter:  "Hello {name},\n\n{amount} for {bills}, due on {due}, is still open. Until it is paid your service is slower. Full speed comes back at once when you pay.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} is overdue, your service is slower until it is paid. Pay: {pay}",
	},
	"dunning_wall": {
		subject: "Your service is limited from now on",
		letter:  "Hello {name},\n\n{amount} for {bills}, due on {due}, is still open. Until it is paid only our pages can be reached. Everything comes back at once when you pay.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} is overdue, your service is limited until it is paid. Pay: {pay}",
	},
	"dunning_suspend": {
		subject: "Your service is suspended",
		letter:  "Hello {name},\n\n{amount} for {bills}, due on {due}, is still open. Your service is suspended from today. It comes back at once when you pay.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: your service is suspended, {amount} is overdue. Pay and it comes back: {pay}",
	},
	"dunning_terminate": {
		subject: "Your contract has ended",
		letter:  "Hello {name},\n\n{amount} for {bills}, due on {due}, has not been paid. We have ended your contract today. What you owe stays due; a final bill follows.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: your contract has ended, {amount} is overdue. Pay: {pay}",
	},
	"dunning_agency": {
		subject: "Handed over for collection",
		letter:  "Hello {name},\n\n{amount} for {bills}, due on {due}, has not been paid. We have handed it over to a collection agency.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount} was handed over to a collection agency. Pay: {pay}",
	},
	"reconnected": {
		subject: "Your service is back",
		letter:  "Hello {name},\n\nthank you: your service is back.\n\n{operator}",
		short:   "{operator}: thank you, your service is back.",
	},
	"promise_taken": {
		subject: "Your promise to pay",
		letter:  "Hello {name},\n\nyou have promised to pay {amount} by {until}. Until then nothing further is done.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: you promised to pay {amount} by {until}. Pay: {pay}",
	},
	"promise_broken": {
		subject: "Your promise has not been kept",
		letter:  "Hello {name},\n\nyou had promised to pay {amount} by {until}. We have not received it.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: {amount}, promised by {until}, has not arrived. Pay: {pay}",
	},
	"plan_agreed": {
		subject: "Your payment plan",
		letter:  "Hello {name},\n\nwe have agreed that you pay {amount} in instalments, the last by {until}.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: you pay {amount} in instalments until {until}. Pay: {pay}",
	},
	"plan_broken": {
		subject: "Your payment plan has ended",
		letter:  "Hello {name},\n\nan instalment of your plan for {amount} has not arrived in time. The plan has ended, and what is open is due.\n\nPay here:\n{pay}\n\n{operator}",
		short:   "{operator}: an instalment is missing, your payment plan has ended. Pay: {pay}",
	},
	"bill_ready": {
		subject: "Bill {number} of {operator}",
		letter:  "Hello {name},\n\nyour bill {number} for {period} is {amount}.\n\n{to_pay}\n{pay}\n\n{operator}",
		short:   "{operator}: bill {number}: {amount}. {to_pay} {pay}",
	},
	"payment_received": {
		subject: "We have received {amount}",
		letter:  "Hello {name},\n\nthank you: we have received {amount} on {day} ({method}).\n\n{more}\n\n{operator}",
		short:   "{operator}: thank you, {amount} received. {more}",
	},
	"payment_failed": {
		subject: "Your payment of {amount} did not come through",
		letter:  "Hello {name},\n\nyour payment of {amount} did not come through: {reason}\n\n{more}\n{pay}\n\n{operator}",
		short:   "{operator}: your payment of {amount} did not come through: {reason} {more} {pay}",
	},
	"news": {
		subject: "{title}",
		letter:  "Hello {name},\n\n{text}\n\n{operator}\n\nYou do not want to hear of offers? Say so here:\n{stop}",
		short:   "{operator}: {text} No more of this: {stop}",
	},
	"balance_low": {
		subject: "Your balance is low",
		letter:  "Hello {name},\n\nyour balance is {reached}, below {threshold}.\n\n{more}\n\n{operator}",
		short:   "{operator}: your balance is {reached}, below {threshold}. {more}",
	},
	"allowance_used": {
		subject: "{percent}% of your allowance is used",
		letter:  "Hello {name},\n\nyou have used {percent}% of “{code}” ({threshold}). Left: {reached}.\n\n{more}\n\n{operator}",
		short:   "{operator}: {percent}% of {code} is used. Left: {reached}. {more}",
	},
	"spend_reached": {
		subject: "Your use this period has reached {threshold}",
		letter:  "Hello {name},\n\nwhat you used in this period costs {reached}; you wanted to know at {threshold}.\n\n{more}\n\n{operator}",
		short:   "{operator}: your use this period costs {reached}. {more}",
	},
}
