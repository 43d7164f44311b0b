// Package pair keeps the two database servers of a site of size ha: a primary
// and its synchronous standby.
//
// It owns which of the two is the primary, by terms, and when the other one
// takes over. It does not own how servers are started, copied and promoted
// (Nodes: infra/local/pair), nor the rest of the site (fleet).
//
//	forming ──standby is synchronous──> synchronous ◄───────────────┐
//	                                     │      │                   │
//	            primary is gone, for 2 s │      │ standby is gone,  │ it is
//	                                     ▼      │ for 5 s           │ synchronous
//	                                 promoting  └─────> alone ──────┘ again
//	                                     │                ▲
//	                                     └──is primary────┘
//
// Two servers never both answer commits:
//
//   - The other one is promoted from synchronous only. In that mode the primary
//     waits for its standby with each commit, so that everything it has answered
//     is there, and once the standby is its own master the former primary, even
//     one that was only cut off or asleep, answers no commit any more.
//   - The primary stops waiting only after alone has been written down, and from
//     alone nobody is promoted.
//   - Both are decided by one update that names the term it goes from. Two
//     control planes that see different things can't both decide.
//
// A former primary is stopped, made a copy of the new one (rewound, or copied
// anew) and comes back as its standby. While the only server of alone is down it
// is started again: nobody else has all that was answered.
package pair
