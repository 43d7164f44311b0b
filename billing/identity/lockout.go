package identity

import "time"

// How wrong passwords are met. After freeAttempts each further one makes the
// next wait twice as long, from firstDelay to longest; the wait stays short so
// that guessing cannot keep the user out, and slow enough that it finds nothing
// (a password: at most 1,440 guesses a day; a second factor, of a million
// values three at a time: 96). Attempts are forgotten after forgetAfter.
const (
	freeAttempts     = 10
	firstDelay       = time.Second
	maxDelay         = time.Minute
	maxFactorDelay   = 15 * time.Minute
	forgetAfter      = 15 * time.Minute
	forgetAfterDelay = 2 // times the delay, if that is longer
)

// attempts is what is remembered of failed sign-ins. Until is when the next
// attempt may come; it also tells when the last one was.
type attempts struct {
	count int
	until *time.Time
}

// next counts an attempt at a time, or says that it may not be made yet.
func (a attempts) next(now time.Time, longest time.Duration) (after attempts, allowed bool) {
	if a.until != nil && now.Before(*a.until) {
		return a, false
	}
	if a.until == nil || now.Sub(*a.until) > max(forgetAfter, forgetAfterDelay*longest) {
		a.count = 0
	}
	until := now.Add(delay(a.count+1, longest))
	return attempts{count: a.count + 1, until: &until}, true
}

// delay is the wait after the n-th failed attempt.
func delay(n int, longest time.Duration) time.Duration {
	if n <= freeAttempts {
		return 0
	}
	d := firstDelay
	for ; n > freeAttempts+1 && d < longest; n-- {
		d *= 2
	}
	return min(d, longest)
}
