package bench

import (
	"fmt"
	"slices"
	"time"
)

// rounds are figures of the same measurement taken again and again.
type rounds []float64

// median is the middle one, or the mean of the middle two.
func (r rounds) median() float64 {
	sorted := slices.Sorted(slices.Values(r))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// spread tells the lowest and the highest, in few digits.
func (r rounds) spread() string {
	low, high := slices.Min(r), slices.Max(r)
	return figure(&low) + " to " + figure(&high)
}

// perSecond is a count of things by the time they took.
func perSecond(count int, took time.Duration) float64 { return float64(count) / took.Seconds() }

// seconds shows a duration for people.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// quantile is the value below which a share of the durations lies, by nearest
// rank.
func quantile(durations []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(durations))
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}
