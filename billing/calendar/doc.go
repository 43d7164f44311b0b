// Package calendar turns local dates into cycles and instants.
//
// It owns dates, billing cycles and their anchors. It does not own opening
// hours or holidays, or when anything falls due.
//
// Always true:
//   - Periods are half-open: from, up to but not including.
//   - A cycle's bounds come from its original anchor, never from the bound
//     before, so the 31st comes back after February.
//   - Neighbouring periods share one instant: no gap and no overlap, whatever
//     the clocks of the zone do.
package calendar
