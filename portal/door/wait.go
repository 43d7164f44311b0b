package door

import "tollhouse/portal/ui"

// waitWords says how long to wait, in what people count in.
func waitWords(r ui.Reader, seconds int) string {
	const minute = 60
	if seconds > 2*minute {
		return r.N("door.minutes", int64((seconds+minute-1)/minute))
	}
	return r.N("door.seconds", int64(max(seconds, 1)))
}
