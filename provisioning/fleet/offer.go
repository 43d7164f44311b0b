package fleet

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// OfferKind tells sizes from what is added to them.
type OfferKind string

// The kinds of offers.
const (
	Size  OfferKind = "size"
	AddOn OfferKind = "add_on"
)

// Offer is a size of site, or something added to one, with its price a month.
type Offer struct {
	Name      string
	Kind      OfferKind
	Title     string
	Shape     provisioning.Shape // of an add-on: what it adds
	Guarantee int64              // charges a second that a size carries
	Price     money.Amount
	RetiredAt *time.Time // no new site gets it
}

// WorkerAddOn is the add-on that rules of scaling add and take.
const WorkerAddOn = "worker"

// Bounds of an offer.
const (
	maxWorkers  = 64
	maxVolumeGB = 100_000
	maxTitle    = 200
	maxFlavor   = 100
)

var offerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,38}$`)

func (o Offer) check() error {
	var f faults
	f.unless(offerName.MatchString(o.Name), "name", "1 to 39 small letters, digits and hyphens, a letter first")
	f.unless(o.Kind == Size || o.Kind == AddOn, "kind", "size or add_on")
	title := strings.TrimSpace(o.Title)
	f.unless(title != "" && len(title) <= maxTitle, "title", "1 to 200 characters")
	f.unless(o.Price.Sign() >= 0 && !o.Price.Currency().IsZero(), "price", "an amount of zero or more, with its currency")
	f.unless(o.Price.Decimal().Digits() <= o.Price.Currency().Digits(), "price.amount", fmt.Sprintf("at most %d decimals", o.Price.Currency().Digits()))
	s := o.Shape
	f.unless(s.Workers >= 0 && s.Workers <= maxWorkers, "shape.workers", fmt.Sprintf("0 to %d", maxWorkers))
	f.unless(s.DataGB >= 0 && s.DataGB <= maxVolumeGB, "shape.data_gb", fmt.Sprintf("0 to %d", maxVolumeGB))
	f.unless(len(s.Flavor) <= maxFlavor && len(s.WorkerFlavor) <= maxFlavor, "shape.flavor", "at most 100 characters")
	switch o.Kind {
	case Size:
		f.unless(s.Flavor != "", "shape.flavor", "the cloud's name for the first machine's size")
		f.unless(s.WorkerFlavor != "", "shape.worker_flavor", "the cloud's name for a worker's size")
		f.unless(s.BootGB >= 5 && s.BootGB <= maxVolumeGB, "shape.boot_gb", "5 or more")
		f.unless(s.DataGB >= 1, "shape.data_gb", "1 or more")
		f.unless(o.Guarantee >= 0, "guarantee", "0 or more charges a second")
	case AddOn:
		f.unless(s.Flavor == "" && s.WorkerFlavor == "" && s.BootGB == 0, "shape", "workers, data_gb or standby: an add-on changes no machine")
		f.unless(s.Workers > 0 || s.DataGB > 0 || s.Standby, "shape", "something that is added: workers, data_gb or standby")
		f.unless(o.Guarantee == 0, "guarantee", "none: a size has one")
	}
	return f.err()
}

const offerColumns = `name, kind, title, shape, guarantee, price, currency, retired_at`

func scanOffer(row pgx.CollectableRow) (Offer, error) {
	var o Offer
	var price money.Decimal
	var currency money.Currency
	err := row.Scan(&o.Name, &o.Kind, &o.Title, &o.Shape, &o.Guarantee, &price, &currency, &o.RetiredAt)
	o.Price = money.New(price, currency)
	return o, err
}

// Offers lists sizes and add-ons, those that are retired too: small before
// large, as their prices say.
func Offers(ctx context.Context, tx tenants.Tx) ([]Offer, error) {
	rows, err := tx.Query(ctx, `select `+offerColumns+` from site_offer order by kind desc, currency, price, name`)
	if err != nil {
		return nil, fmt.Errorf("list sizes: %w", err)
	}
	offers, err := pgx.CollectRows(rows, scanOffer)
	if err != nil {
		return nil, fmt.Errorf("list sizes: %w", err)
	}
	return offers, nil
}

// GetOffer reads a size or add-on; tenants.ErrNotFound if there is none.
func GetOffer(ctx context.Context, tx tenants.Tx, name string) (Offer, error) {
	rows, err := tx.Query(ctx, `select `+offerColumns+` from site_offer where name = $1`, name)
	if err != nil {
		return Offer{}, fmt.Errorf("read size %s: %w", name, err)
	}
	o, err := pgx.CollectExactlyOneRow(rows, scanOffer)
	if errors.Is(err, pgx.ErrNoRows) {
		return Offer{}, fmt.Errorf("size %s: %w", name, tenants.ErrNotFound)
	}
	if err != nil {
		return Offer{}, fmt.Errorf("read size %s: %w", name, err)
	}
	return o, nil
}

// PutOffer makes a size or add-on so as it is given; sites that have it stay as
// they are until they are changed themselves. A repeat changes nothing.
func PutOffer(ctx context.Context, tx tenants.Tx, by tenants.Actor, o Offer, retired bool) (Offer, error) {
	o.Title = strings.TrimSpace(o.Title)
	if err := o.check(); err != nil {
		return Offer{}, err
	}
	before, err := GetOffer(ctx, tx, o.Name)
	known := err == nil
	if err != nil && !errors.Is(err, tenants.ErrNotFound) {
		return Offer{}, err
	}
	if known && before.Kind != o.Kind {
		return Offer{}, ErrOfferName
	}
	o.RetiredAt = before.RetiredAt
	if !retired {
		o.RetiredAt = nil
	} else if o.RetiredAt == nil {
		o.RetiredAt = &tx.At
	}
	if known && before.same(o) {
		return before, nil
	}
	done, err := tx.Exec(ctx, `
		insert into site_offer (name, kind, title, shape, guarantee, price, currency, retired_at, changed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (name) do update
		   set title = excluded.title, shape = excluded.shape, guarantee = excluded.guarantee, price = excluded.price,
		       currency = excluded.currency, retired_at = excluded.retired_at, changed_at = excluded.changed_at
		 where site_offer.kind = excluded.kind`,
		o.Name, o.Kind, o.Title, o.Shape, o.Guarantee, o.Price.Decimal(), o.Price.Currency(), o.RetiredAt, tx.At)
	if err != nil {
		return Offer{}, fmt.Errorf("write size %s: %w", o.Name, err)
	}
	if done.RowsAffected() != 1 {
		return Offer{}, ErrOfferName
	}
	return o, tenants.Record(ctx, tx, by, tenants.Entry{Action: "size.put", Object: offerID(o.Name), Detail: map[string]any{
		"name": o.Name, "kind": o.Kind, "shape": o.Shape, "price": o.Price.String(), "retired": retired}})
}

func (o Offer) same(other Offer) bool {
	return o.Kind == other.Kind && o.Title == other.Title && o.Shape == other.Shape && o.Guarantee == other.Guarantee &&
		o.Price.Currency() == other.Price.Currency() && o.Price.Decimal().Equal(other.Price.Decimal()) && (o.RetiredAt == nil) == (other.RetiredAt == nil)
}

// offerID is what the audit calls an offer, which has a name only.
func offerID(name string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("tollhouse/size/"+name))
}
