// Package alarm keeps what went wrong and somebody of the house should look at.
//
// It owns alarms: what sort, about which thing, how bad, how often, and whether
// somebody has taken them on. It does not own what raises them: the parts that
// see a fault raise it in their own transaction, and clear it there when it is
// over.
//
//	raised ──Acknowledge──> acknowledged
//	   │                        │
//	   └──────── Clear ─────────┴──> cleared
//
// A condition, such as a silent machine, is cleared by whoever raised it, when
// it is over. An event, such as a token used twice, is never over by itself:
// somebody closes it.
//
// Always true:
//   - A kind and a subject have at most one alarm that is not cleared; what
//     happens again is counted in it.
//   - A cleared alarm stays as it was. What happens after it is a new one.
package alarm
