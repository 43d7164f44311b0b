// Package session is the pure part of charging sessions: what a session is,
// how its requests change it, what is granted and how a repeat is told.
//
// It owns sessions, their services, requests, answers and the operator's
// policy of quotas. It does no I/O, and knows neither prices (rating), nor
// balances and postings (charging), nor any protocol: the REST API
// (api) and the 5G charging endpoint (api/nchf) turn their requests into
// Steps, and an endpoint of another protocol, such as Diameter's Gy, would do
// the same and nothing else.
//
// Words: a service is what one session uses under one price, by the asker's
// own name for it (a rating group); a quota is what it may use before it asks
// again; a reservation is what balances hold back for a quota.
//
//	(start) ──> open ──terminate──> closed
//	             │ ↑                   ↑
//	          silent update            │
//	             ↓ │                   │
//	           abandoned ──terminate───┘
//
// Always true:
//   - A number of a session is answered once. The same request under it again
//     gets the stored answer; another request under it is refused.
//   - Reports give use since the last report, so their order does not matter.
//   - A reservation ends with its time, whether or not anybody looks.
//   - A service is one event to the rater from its first use to its end, or
//     until its subscription changes its plan.
//   - What was used is charged, however late it is told; what is closed is
//     granted nothing.
package session
