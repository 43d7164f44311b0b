// Package hardware keeps what we answer for and can be touched: appliances,
// servers, parts, and the racks they stand in.
//
// It owns pieces of hardware with their serial numbers, warranty and support,
// spares, failures with the clock of their replacement, and racks with their
// units and power. It does not own what runs on a piece (enrol knows the
// machine), nor what an operator pays for it.
//
// A piece:
//
//	spare <──Put──> in_use ──Fail──> failed ──Replace──> replaced
//	   │              │  ▲              │
//	   └─────Put──────┤  └────Repair────┘
//	                  ▼
//	               retired
//
// An appliance at an operator's is to be replaced within 24 hours of its
// failure. The clock stands on the failed piece; when it has run out, that is
// an alarm until the replacement is there.
//
// Always true:
//   - A serial number of a model is there once.
//   - Units of a rack are given once, and its pieces draw no more power than it has.
//   - A failed piece is replaced by a spare of the same model, and a spare
//     replaces one piece.
//   - What an operator owns it owns also after a replacement: the spare becomes its
//     own, and the failed piece ours.
//   - Whether a clock was kept is never changed afterwards.
package hardware
