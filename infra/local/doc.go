// Package local makes stacks on one machine: it is the cloud of provisioning
// where there is no cloud.
//
// It owns the way from an empty slot of the host database to a tenant that
// answers, and the keeper of the stock of empty slots. It does not own when a
// stack is made or tried again (provisioning), how a slot is built
// (infra/postgres), nor what a stack is set up with (billing/account,
// billing/identity).
//
// A stack is made in three steps, each one transaction, each finding what an
// earlier attempt left:
//
//	slot: stock ──reserve──> placed      the registry has named it before
//	schema: empty ──set up──> whole      operator, entity, rates, keys, owner
//	placement: none ──place──> ready     from here on requests find it
//
// Always true:
//   - A placement that exists is whole.
//   - A slot is used only by the stack that the registry wrote it down for. One
//     that is chosen and not written down stays in the stock.
//   - Two attempts at one stack end in one stack: the second waits for the
//     first at the operator's row and then finds everything there.
package local
