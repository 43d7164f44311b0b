package bill

import "strconv"

// KeepPast is what an update of open items sets beside open or due_date: how they
// stood until then, for the books of past days. at is the number of the
// statement's parameter with the time of the change. What changes as it is made
// has no past.
func KeepPast(at int) string {
	n := "$" + strconv.Itoa(at)
	return ` past = case when created_at < ` + n + ` then past || jsonb_build_object('until', ` + n + `::timestamptz, 'open', open::text, 'due', due_date) else past end `
}
