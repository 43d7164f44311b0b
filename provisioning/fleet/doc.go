// Package fleet keeps the sites of dedicated stacks as they are wanted.
//
// It owns what a site should be (its size, add-ons, schedules, rules of
// scaling, version), what follows from that at a moment, how far it is, its
// history and its end; sizes and add-ons with their prices; what clouds have,
// what is used and promised of it, and when it runs out; upgrades in waves. It
// does not own how machines are made (provisioning.Sites), how they become
// ours (provisioning.Hosts), their backups, nor what runs on them (billing).
//
// A site:
//
//	requested ──> making ──> enrolling ──> ready
//	    ▲           │ ▲          │ ▲          │
//	    │           ▼ └──────────┼─┴──────────┤  wanted otherwise
//	    │         failed <───────┴────────────┘  resumed by itself, or by hand where it is held
//	    │           │
//	    └─ cleared <── clearing   what never served is cleaned up when asked
//	          │
//	          └──> removed <── removing <── closing <── any that served
//	                                           │  grace is over, and a final backup is there or waived
//	                                           └──> making   taken back within the grace
//
// A reconciler looks at each site when it is due. A look is short: it asks the
// cloud to begin, or how far it is, writes that down and lets go, so that a
// worker waits for nothing. It holds the site for a lease; its number is the
// fence: whoever comes back after the lease ran out writes nothing.
//
// Always true:
//   - One look at a time at a site, however many processes there are; a look
//     can be cut off at any point and the next goes on.
//   - What is wanted has a revision; a cloud is never asked to go back.
//   - The first machine's user-data stay the same once it has enrolled.
//   - A data volume never shrinks, and a schedule or a rule never touches one.
//   - What served and is gone is not made again by itself: empty disks would
//     take the place of an operator's data.
//   - What served is deleted only with a final backup, or somebody's written
//     word that none is wanted.
//   - A failure has a reason, the cloud's own words and a next try, or says
//     that it waits for a person.
package fleet
