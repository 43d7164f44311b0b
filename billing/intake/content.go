package intake

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
)

// content is a batch as its files say it, with ids that follow from the batch
// and the file's own keys: read again, it is the same.
type content struct {
	world       *world
	batch       uuid.UUID
	since       time.Time // when the batch was made: its ids begin with it
	found       *findings
	totals      Totals
	subscribers []*subscriber
	byNumber    map[string]*subscriber
	byService   map[string]*service
	series      []series
	archive     archive
	perAccount  map[string]bool // what may come once: "kind/account/number"
	broken      map[Kind]bool   // a file of the kind could not be read whole: what it lacks is not told
}

// subscriber is a line of a subscribers file with all that belongs to it.
type subscriber struct {
	row
	account   account.ImportedAccount
	facts     onboarding.Facts
	services  []*service
	buckets   []balance.Imported
	hasMain   bool
	items     []payment.ImportedItem
	methods   []payment.StoredMethod
	users     []user
	documents []document
}

// service is a line of a services file.
type service struct {
	row
	key            string
	of             *subscriber
	offering       catalog.Stored
	facts          onboarding.Facts
	activatedAt    time.Time
	chargedThrough calendar.Date
	state          account.SubscriptionState
	term           account.Term
	hasTerm        bool
	discounts      []account.Discount
	pending        bool // lacks facts: an order for the desk
}

type user struct {
	email, name string
	language    account.Language
	invite      bool
}

// document is an old bill: the file is read when it is stored.
type document struct {
	bill.ImportedDocument
	file string
}

// series is where the numbers of a kind of document go on.
type series struct {
	row
	bill.Series
	next      int64
	lastIssue calendar.Date
}

// id is the one id that something of a batch can have: a UUIDv7 whose time is
// the batch's and whose other bits follow from what it is.
func (c *content) id(parts ...string) uuid.UUID {
	sum := sha256.Sum256([]byte(c.batch.String() + "\x00" + strings.Join(parts, "\x00")))
	id := uuid.UUID(sum[:16])
	binary.BigEndian.PutUint64(id[:8], uint64(c.since.UnixMilli())<<16|uint64(binary.BigEndian.Uint16(sum[6:8])))
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // RFC 9562 variant
	return id
}

// once says whether a key appears for the first time, and finds fault if not.
func (c *content) once(r row, column string, key ...string) bool {
	whole := string(r.kind) + "\x00" + strings.Join(key, "\x00")
	if c.perAccount[whole] {
		r.fault(column, Twice, "what no other line of the batch has")
		return false
	}
	c.perAccount[whole] = true
	return true
}

// owner is the subscriber that a line names; nil, with a finding, for none.
func (c *content) owner(r row) *subscriber {
	number := r.needed("account")
	if number == "" {
		return nil
	}
	s := c.byNumber[number]
	if s == nil && !c.broken[Subscribers] {
		r.fault("account", UnknownName, "")
	}
	return s
}

// read takes the files in the order of their kinds, so that what is referred
// to is there before what refers to it.
func (c *content) read(files []openFile) {
	rows := map[Kind]int{}
	for _, kind := range Kinds {
		for _, f := range files {
			switch {
			case f.kind != kind:
			case kind == Archive:
				c.archive.add(f, c.found)
			default:
				t := readTable(f.name, kind, f.content, c.world.askedFacts(), MaxRows-rows[kind], c.found)
				rows[kind] += len(t.rows)
				c.broken[kind] = c.broken[kind] || t.broken
				c.totals.Counts[kind] += len(t.rows)
				for _, rec := range t.rows {
					readers[kind](c, row{t, rec})
				}
			}
		}
		if kind == Services {
			c.judge()
		}
		if kind == Archive {
			c.matchDocuments()
		}
	}
}

var readers = map[Kind]func(*content, row){
	Subscribers: (*content).subscriber, Services: (*content).service, Buckets: (*content).bucket, OpenItems: (*content).openItem,
	Contracts: (*content).contract, Numbers: (*content).numbers, PaymentMethods: (*content).method, Users: (*content).user,
	Documents: (*content).document,
}

// digits are the decimals of documents in the operator's currency.
func (c *content) digits() int32 { return c.world.profile.Currency.DocumentDigits() }

// currencyFits refuses another currency than the account's, which is the operator's.
func (c *content) currencyFits(r row) {
	if text := r.text("currency"); text != "" && text != c.world.profile.Currency.Code() {
		r.fault("currency", OtherThan, "the operator's currency, "+c.world.profile.Currency.Code())
	}
}

func (c *content) amount(d money.Decimal) money.Amount { return money.New(d, c.world.profile.Currency) }
