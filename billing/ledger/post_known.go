package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Versions say of rows, by id, as which version they are known: their xmin.
type Versions map[uuid.UUID]uint32

func (v Versions) sorted() ([]pgtype.UUID, tenant.XIDs) {
	ids := sortedIDs(v)
	versions := make(tenant.XIDs, len(ids))
	for i, id := range ids {
		versions[i] = v[id.Bytes]
	}
	return ids, versions
}

const (
	moveKnownAccounts = `
		update billing_account as a
		set unbilled = a.unbilled + m.unbilled,
		    receivable = a.receivable + m.receivable,
		    credit = a.credit + m.credit,
		    undocumented_tax = a.undocumented_tax + m.undocumented_tax
		from unnest($1::uuid[], $2::numeric[], $3::numeric[], $4::numeric[], $5::numeric[], $6::xid[])
		     as m (id, unbilled, receivable, credit, undocumented_tax, version)
		where a.id = m.id and a.xmin = m.version`
	moveKnownBuckets = `
		update bucket as b
		set value = b.value + m.amount, version = b.version + 1
		from unnest($1::uuid[], $2::numeric[], $3::xid[]) as m (id, amount, version)
		where b.id = m.id and b.xmin = m.version`
	findKnownBuckets = `
		select 1
		from unnest($1::uuid[], $2::xid[]) as w (id, version)
		join bucket as b on b.id = w.id
		where b.xmin = w.version`
)

// ErrDeferred means that postings move deferred revenue, whose subscriptions
// are not known by their versions.
var ErrDeferred = errors.New("deferred revenue is moved under a lock")

// QueueKnown adds postings with a flow's next trip, for a caller who has locked
// nothing but knows the versions of all accounts and all their buckets: where
// one of them is another by then, the trip fails with tenant.ErrRows. The
// accounts are written, and so locked, whether or not a total of theirs moves.
// It gives what each bucket moves by; xid becomes the new version of the
// accounts and of these buckets.
func QueueKnown(f *tenant.Flow, zone *time.Location, postings []Posting, accounts, buckets Versions, xid *uint32) (map[uuid.UUID]money.Decimal, error) {
	moves, count, err := movementOf(postings)
	if err != nil {
		return nil, err
	}
	if len(moves.deferred) > 0 {
		return nil, ErrDeferred
	}
	for id := range accounts {
		moves.account(id)
	}
	for id := range moves.accounts {
		if _, known := accounts[id]; !known {
			return nil, fmt.Errorf("%w: account %s is not known", ErrUnknownAccount, id)
		}
	}
	ids, versions := accounts.sorted()
	f.ExecRowsAs(xid, len(ids), moveKnownAccounts, append(moves.accountArguments(), versions)...)
	moved, still := Versions{}, Versions{}
	for id, version := range buckets {
		if _, moves := moves.buckets[id]; moves {
			moved[id] = version
		} else {
			still[id] = version
		}
	}
	if len(moved) != len(moves.buckets) {
		return nil, fmt.Errorf("%w: a balance is not known", ErrUnknownAccount)
	}
	if len(moved) > 0 {
		_, versions := moved.sorted()
		f.ExecRows(len(moved), moveKnownBuckets, append(sumArguments(moves.buckets), versions)...)
	}
	if len(moves.ahead) > 0 { // after the check of their versions
		f.ExecRows(len(moves.ahead), moveAhead, sumArguments(moves.ahead)...)
	}
	if len(still) > 0 {
		ids, versions := still.sorted()
		f.Require(len(still), findKnownBuckets, ids, versions)
	}
	f.Copy(copyOf(postings, zone, count))
	return moves.buckets, nil
}
