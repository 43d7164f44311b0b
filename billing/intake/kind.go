package intake

import "slices"

// Kind is what a file of a batch holds.
type Kind string

// The kinds of file.
const (
	Subscribers    Kind = "subscribers"     // parties with their accounts
	Services       Kind = "services"        // subscriptions with identities and credentials
	Buckets        Kind = "buckets"         // money and units that are left
	OpenItems      Kind = "open_items"      // what is owed
	Contracts      Kind = "contracts"       // terms and discounts
	Numbers        Kind = "numbers"         // where number series go on
	PaymentMethods Kind = "payment_methods" // mandates and provider ids
	Users          Kind = "users"           // subscribers' logins
	Documents      Kind = "documents"       // what the PDFs in archives are
	Archive        Kind = "archive"         // a ZIP of PDFs
)

// Kinds lists all kinds in the order in which they are read and told.
var Kinds = []Kind{Subscribers, Services, Buckets, OpenItems, Contracts, Numbers, PaymentMethods, Users, Documents, Archive}

// Column is a column of a kind of file.
type Column struct {
	Name     string
	Required bool   // its name has to be in the header
	Want     string // what its values are
}

const (
	wantDate    = "a date such as 2026-01-31"
	wantAmount  = "an amount with a point, such as 12.50"
	wantAccount = "the number of an account in a subscribers file of this batch"
	wantService = "the service of a line in a services file of this batch"
	wantTerms   = " (services and contracts files say it alike)"
)

// terms are the columns of a contract and its discount.
var terms = []Column{
	{"contract_from", false, wantDate + wantTerms},
	{"contract_until", false, "the day after the contract's last" + wantTerms},
	{"termination_fee", false, "what leaving early costs, " + wantAmount},
	{"discount_code", false, "1 to 40 lower-case letters, digits, - and _; empty: discount"},
	{"discount_percent", false, "a number above 0 and up to 100, off each recurring fee"},
	{"discount_amount", false, wantAmount + ", off the recurring fees of a cycle"},
	{"discount_cycles", false, "how many cycles are left; empty: always"},
	{"discount_reason", false, "the words that bills print"},
}

var columns = map[Kind][]Column{
	Subscribers: {
		{"account", true, "the account's number: 1 to 40 letters, digits and - . _ /"},
		{"kind", true, "prepaid or postpaid"},
		{"currency", false, "the operator's currency"},
		{"party_kind", true, "individual or organization"},
		{"name", true, "the subscriber's name"},
		{"email", false, "an email address"},
		{"phone", false, "a number with its country code, such as +4930123456"},
		{"birth_date", false, wantDate},
		{"id_document", false, "the document's kind and number"},
		{"id_verified", false, "desk, post, video or eid"},
		{"tax_id", false, "a tax number"},
		{"language", false, "en, id or ru; empty: the operator's"},
		{"street", false, "street and house number"},
		{"postcode", false, "a postcode"},
		{"city", false, "a city"},
		{"region", false, "a region"},
		{"country", false, "a two-letter country code; empty: the operator's"},
		{"cycle_months", false, "1, 3 or 12; empty: 1"},
		{"anchor", false, "the day that cycles are counted from; empty: it follows from next_bill"},
		{"next_bill", true, "the day on which the open cycle ends, after today"},
		{"credit_limit", false, wantAmount},
		{"legal_entity", false, "the name of a legal entity; empty: the default one"},
		{"branch", false, "the name of a branch; empty: the default one"},
	},
	Services: slices.Concat([]Column{
		{"account", true, wantAccount},
		{"service", true, "your own name for the subscription: 1 to 80 characters, once per batch"},
		{"offering", true, "the code of a published offering"},
		{"offering_version", false, "its version's number; empty: the one on sale"},
		{"activated_on", true, "the day on which it began, not in the future"},
		{"charged_through", false, "recurring fees are charged for days before it; empty: next_bill"},
		{"state", false, "active or suspended; empty: active"},
		{"msisdn", false, "a mobile number with its country code"},
		{"imsi", false, "an IMSI: 15 digits"},
		{"iccid", false, "the card's number"},
		{"login", false, "a RADIUS user name"},
		{"password", false, "its password: 8 to 64 printable characters"},
		{"ont", false, "the ONT's serial number"},
		{"port", false, "the port that the line ends at"},
		{"line", false, "a line's number with its country code"},
		{"stb", false, "the set-top box's serial number"},
		{"host", false, "a host name"},
	}, terms),
	Buckets: {
		{"account", true, wantAccount},
		{"service", false, wantService + "; empty: of the whole account"},
		{"code", false, "the code of an allowance of the offering, or your own name"},
		{"origin", false, "main, bought, allowance or promotion; empty: main for money, else bought"},
		{"unit", true, "the account's currency, second, byte, event or point"},
		{"value", true, "how much is left, such as 12.50 or 3000000000"},
		{"initial", false, "how much it held at first; empty: as much as is left"},
		{"expires_on", false, "the last day on which it may be used; empty: never"},
		{"priority", false, "1 is used first; empty: 1, for main 1000"},
	},
	OpenItems: {
		{"account", true, wantAccount},
		{"number", true, "the number of the document it is owed on"},
		{"issue_date", true, wantDate},
		{"due_date", true, wantDate},
		{"currency", false, "the account's currency"},
		{"amount", true, wantAmount},
		{"open", true, "what of the amount is not paid yet"},
	},
	Contracts: slices.Concat([]Column{{"service", true, wantService}}, terms),
	Numbers: {
		{"legal_entity", false, "the name of a legal entity; empty: the default one"},
		{"document", true, "bill, statement or credit_note"},
		{"year", true, "a year such as 2026"},
		{"next", true, "the next number, from 1 on"},
		{"last_issue", true, "the date of the last document of the series"},
	},
	PaymentMethods: {
		{"account", true, wantAccount},
		{"kind", true, "card or sepa_debit"},
		{"provider", false, "stripe, or nothing for a mandate that you collect yourself"},
		{"customer_id", false, "Stripe's id of the payer: cus_…"},
		{"method_id", false, "Stripe's id of the card or mandate: pm_…"},
		{"mandate_reference", false, "the mandate's reference: up to 35 characters"},
		{"mandate_date", false, "the day on which it was signed"},
		{"masked_iban", false, "the IBAN without its middle, such as DE89…3000"},
	},
	Users: {
		{"account", true, wantAccount},
		{"email", true, "an email address that no other user has"},
		{"name", false, "the user's name; empty: the account's"},
		{"language", false, "en, id or ru; empty: the account's"},
		{"invite", false, "yes or no: whether a link to choose a password is mailed"},
	},
	Documents: {
		{"account", true, wantAccount},
		{"number", true, "the document's number"},
		{"date", true, wantDate},
		{"total", true, wantAmount},
		{"file", true, "the name of a PDF in an archive of this batch"},
	},
}

// Columns are what files of a kind hold, in the order of our samples; none for
// an archive.
func Columns(kind Kind) []Column { return columns[kind] }

// Bounds of a batch: what is above is refused with a reason.
const (
	MaxFileBytes    = 32 << 20
	MaxArchiveBytes = 64 << 20
	MaxRows         = 100_000 // of a kind, in a batch
	MaxFiles        = 40
	MaxPDFBytes     = 5 << 20
	MaxPDFs         = 20_000
	MaxUnpacked     = 256 << 20
	maxField        = 1000 // characters
)
