package postgres

import "slices"

// treatment is how a table comes into a sandbox copy.
type treatment struct {
	// columns are the values of columns that say something about somebody, or
	// that must not come along: an SQL expression over the row t, or keep. A nil
	// map leaves the whole table out.
	columns map[string]string
	// from follows the table in the query: joins and conditions. {s} stands for
	// the original's schema.
	from string
}

// keep takes a text as it is: it says nothing about a person, or is the
// operator's own.
const keep = "keep"

// versions is the table of the migrations, which both slots have of their own.
const versions = "goose_db_version"

// Numbers that stand for people and identities, the same wherever they occur in
// one copy, as all of it is read in one snapshot.
const (
	partyNo   = ` left join (select id, row_number() over (order by id) as no from {s}.party) p on p.id = `
	accountNo = ` left join (select a.id, p.no, a.number from {s}.billing_account a
	                join (select id, row_number() over (order by id) as no from {s}.party) p on p.id = a.party_id) p on p.id = `
	userNo     = ` left join (select id, row_number() over (order by id) as no from {s}.app_user) n on n.id = t.id`
	orderNo    = ` left join (select id, row_number() over (order by id) as no from {s}.product_order) n on n.id = t.id`
	serviceNo  = ` left join (select id, row_number() over (order by id) as no from {s}.service) n on n.id = t.id`
	identityNo = ` left join (select kind, value, row_number() over (order by kind, value) as no
	                from (select distinct kind, value from {s}.service_identity) v) n on n.kind = t.kind and n.value = t.value`
)

const (
	anotherEpoch = `t.epoch + (random() * 1e15)::bigint`
	person       = `'Subscriber ' || lpad(coalesce(p.no, 0)::text, 6, '0')`
	address      = `'Sample Street ' || coalesce(p.no, 0)`
)

// called masks a number or name that somebody called or called from. Its
// beginning stays, as the tariff's zones go by it; short codes stay whole. Digits
// in the place of its end would be somebody else's number.
func called(column string) string {
	c := "t." + column
	return `case when ` + c + ` ~ '@' then 'masked@example.invalid'
	             when ` + c + ` ~ '^\+?[0-9]{9,}$' then left(` + c + `, length(` + c + `) - 6) || 'xxxxxx'
	             when ` + c + ` ~ '^\+?[0-9]*$' then ` + c + `
	             else 'masked' end`
}

// maskedFacts masks what an order or a service knows, name by name: a name that
// is not listed here is masked as well.
const maskedFacts = `coalesce((select jsonb_object_agg(f.key, case
	when f.key in ('party.kind', 'party.language', 'party.id_verified') then f.value
	when f.key = 'party.name' then 'Subscriber ' || lpad(n.no::text, 6, '0')
	when f.key = 'party.email' then 'subscriber-' || lpad(n.no::text, 6, '0') || '@example.invalid'
	when f.key = 'party.birth_date' then '1980-01-01'
	when f.key = 'internet.password' then '` + RedrawnSecret + `'
	when f.key like '%country' then f.value
	when f.key like '%phone' or f.key like '%msisdn' then '+999' || lpad(n.no::text, 9, '0')
	else 'sample-' || n.no end) from jsonb_each_text(t.facts) f), '{}'::jsonb)`

// RedrawnSecret stands where a secret fact was, until another is drawn.
const RedrawnSecret = "to be drawn"

// plan says how each table comes into a copy. What is not named here is left
// out, and a text that is not named is emptied: a new table or column has to be
// thought about before it is copied. A test names those that were forgotten.
var plan = map[string]treatment{
	// the operator's own
	"operator": {columns: map[string]string{"name": `t.name || ' (sandbox)'`, "charging": keep, "access": keep, "messages": `'{}'::jsonb`, "country": keep, "zone": keep, "currency": keep, "language": keep,
		"chart_of_accounts": keep, "webhook_networks": `'{}'::text[]`, "anchor_policy": keep, "proration": keep, "zone_next": keep, "brand_colour": keep, "support_contact": keep, "tax_settings": `t.tax_settings - 'engine'`, "document_settings": keep,
		"standing": `'active'::text`, "standing_no": `0::bigint`, "standing_since": `null::timestamptz`, "service_until": `null::timestamptz`}},
	"clock":         {columns: map[string]string{}},
	"legal_entity":  {columns: map[string]string{"name": keep, "address": keep, "country": keep, "tax_id": keep, "register_id": keep, "bank_name": keep, "bank_iban": keep, "bank_bic": keep}},
	"branch":        {columns: map[string]string{"name": keep}},
	"tax_rate":      {columns: map[string]string{"category": keep, "name": keep, "levy": keep}},
	"tax_category":  {columns: map[string]string{"key": keep, "name": keep, "code": keep, "reason_code": keep, "reason": keep, "service": keep}},
	"tax_rule":      {columns: map[string]string{"seller": keep, "buyer": keep, "kind": keep, "service": keep, "treatment": keep, "category": keep, "reason_code": keep, "reason": keep}},
	"tax_exemption": {columns: map[string]string{"category": keep, "code": keep, "reason_code": keep, "reason": keep, "certificate": `''::text`, "created_by": `'copy'::text`}},
	"tax_quote":     {}, "tax_id_check": {}, // an outside engine and a register are not asked by a copy
	"operator_logo": {columns: map[string]string{"picture": keep, "hash": keep}},
	"custom_role":   {columns: map[string]string{"name": keep, "title": keep, "permissions": keep}},
	// people of the operator sign in as they are used to; subscribers do not
	"app_user": {from: userNo, columns: map[string]string{
		"email":         `case when t.role = 'subscriber' then 'login-' || lpad(n.no::text, 6, '0') || '@example.invalid' else t.email end`,
		"name":          `case when t.role = 'subscriber' then 'Subscriber' else t.name end`,
		"password_hash": `case when t.role = 'subscriber' then '' else t.password_hash end`,
		"role":          keep, "language": keep, "state": keep, "phone": `''::text`}},

	// what is sold
	// what processes remember of an earlier copy is overtaken by another epoch
	"catalog_epoch":    {columns: map[string]string{"epoch": anotherEpoch}},
	"offering_version": {columns: map[string]string{"code": keep, "state": keep, "document": keep, "currency": keep}},
	"holiday_calendar": {columns: map[string]string{"code": keep, "names": keep, "yearly": keep}},
	"holiday":          {columns: map[string]string{"calendar": keep, "names": keep}},
	"exchange_rate":    {columns: map[string]string{"from_currency": keep, "to_currency": keep, "source": keep}},
	"deck":             {columns: map[string]string{"code": keep, "names": keep}},
	"deck_version": {columns: map[string]string{"deck": keep, "state": keep, "file_name": keep, "zones": keep, "zone_names": keep, "body": keep,
		"created_by": keep}},
	"product_specification": {columns: map[string]string{"code": keep, "document": keep}},
	"partner":               {columns: map[string]string{"code": keep, "name": keep}},

	"balance_policy":  {columns: map[string]string{"kind": keep, "rules": keep, "changed_by": keep}},
	"dunning_policy":  {columns: map[string]string{"document": keep, "changed_by": keep}},
	"notice_template": {columns: map[string]string{"kind": keep, "channel": keep, "language": keep, "subject": keep, "body": keep, "changed_by": keep}},
	"promotion":       {columns: map[string]string{"code": keep, "state": keep, "occasion": keep, "document": keep, "currency": keep}},

	// to whom
	"party": {from: partyNo + `t.id`, columns: map[string]string{"kind": keep, "language": keep, "message_channels": keep,
		"name":        person,
		"email":       `case when t.email = '' then '' else 'subscriber-' || lpad(p.no::text, 6, '0') || '@example.invalid' end`,
		"phone":       `case when t.phone = '' then '' else '+999' || lpad(p.no::text, 9, '0') end`,
		"birth_date":  `case when t.birth_date is null then null else date '1980-01-01' end`,
		"id_document": `case when t.id_document = '' then '' else 'DOC-' || lpad(p.no::text, 6, '0') end`,
		"tax_id":      `case when t.tax_id = '' then '' else 'TAX-' || lpad(p.no::text, 6, '0') end`,
		"address": `case when t.address = '{}'::jsonb then t.address else jsonb_build_object('street', ` + address + `, 'postcode', '00000', 'city', 'Sample City',
			'country', coalesce(t.address ->> 'country', '')) end`}},
	"billing_account": {columns: map[string]string{"tags": keep, "risk": keep, "number": keep, "kind": keep, "currency": keep, "state": keep, "withholding": keep, "papers": keep, "cycle_changes": `t.cycle_changes - 'by'`,
		"tax_status": `case when t.tax_status is not null then t.tax_status - 'tax_id' || jsonb_build_object('exempt', coalesce(
			(select jsonb_agg(x - 'certificate') from jsonb_array_elements(t.tax_status -> 'exempt') x), '[]'::jsonb)) end`}},
	"account_epoch": {columns: map[string]string{}},
	"subscription": {columns: map[string]string{"state": keep, "part": keep,
		"pauses": `(select jsonb_agg(p - 'reason' - 'by' - 'end_by') from jsonb_array_elements(t.pauses) p)`}},
	"subscription_discount": {columns: map[string]string{"code": keep, "reason": `'copied'::text`}},
	"service":               {from: serviceNo, columns: map[string]string{"kind": keep, "state": keep, "facts": maskedFacts}},
	"service_identity": {from: identityNo, columns: map[string]string{"kind": keep,
		"value": `case t.kind when 'msisdn' then '+999' || lpad(n.no::text, 9, '0') when 'line' then '+998' || lpad(n.no::text, 9, '0')
			when 'imsi' then '999' || lpad(n.no::text, 12, '0') else t.kind || '-' || lpad(n.no::text, 6, '0') end`}},
	"product_order":             {from: orderNo, columns: map[string]string{"state": keep, "created_by": keep, "facts": maskedFacts, "parts": keep, "waiting_for": keep}},
	"plan_change":               {columns: map[string]string{"state": keep, "created_by": keep, "reason": `''::text`}},
	"offering_migration":        {columns: map[string]string{"state": keep, "created_by": keep, "reason": keep}},
	"offering_migration_member": {columns: map[string]string{"state": keep, "reason": keep}},
	"partner_share":             {columns: map[string]string{"partner": keep, "line": keep, "currency": keep}},

	// usage and what it cost
	"usage_source":  {columns: map[string]string{"name": keep, "mapping": keep}},
	"usage_file":    {columns: map[string]string{"name": `'file-' || t.id`, "digest": keep, "state": `case when t.state in ('received', 'running') then 'failed' else t.state end`, "error": `''::text`}},
	"usage_key":     {columns: map[string]string{"key": keep, "body": keep}},
	"usage_line":    {columns: map[string]string{"body": keep}},
	"usage_record":  {columns: map[string]string{"producer_id": `t.id::text`, "kind": keep, "unit": keep, "quality": keep, "origin": called("origin"), "destination": called("destination")}},
	"usage_session": {columns: map[string]string{"taken": keep, "nas": `'nas'::text`, "session": `t.id::text`, "identity": `'masked'::text`, "state": keep}},
	"suspense": {columns: map[string]string{"reason": keep, "field": `''::text`, "detail": `''::text`, "raw": `''::text`, "record": `null::jsonb`,
		"state": `case when t.state = 'waiting' then 'discarded' else t.state end`, "resolution": `'not copied'::text`}},
	"ledger_transfer": {columns: map[string]string{"debit": keep, "credit": keep, "unit": keep, "event": keep}},
	"charge":          {columns: map[string]string{"kind": keep, "line_code": keep, "unit": keep, "currency": keep, "tax_category": keep, "why": keep, "reason": `''::text`}},
	"bucket":          {columns: map[string]string{"code": keep, "unit": keep, "origin": keep, "filter": keep, "terms": keep, "rollover": keep}},
	"sharing_group":   {columns: map[string]string{"name": `'Group ' || left(t.id::text, 8)`}},
	"sharing_member":  {columns: map[string]string{}},
	"sharing_limit":   {columns: map[string]string{"unit": keep}},
	"sharing_use":     {columns: map[string]string{"code": keep, "unit": keep}},
	"usage_counter":   {columns: map[string]string{"code": keep}},
	// open sessions are of a network that a copy does not serve
	"charging_session": {}, "charging_answer": {}, "charging_notice": {},
	"rerating": {columns: map[string]string{"action": keep, "decks": keep, "choice": `'{}'::jsonb`, "reason": `'copied'::text`, "error": `case when t.state = 'failed' then 'copied' else '' end`,
		"asked_by": keep, "applied_by": keep, "state": keep, "role": `case when t.cause is null then '' else 'copied' end`}},
	"usage_void": {columns: map[string]string{}},

	// bills and payments
	"number_series":    {columns: map[string]string{"document": keep}},
	"bill_run":         {columns: map[string]string{"state": keep, "prepared_by": `''::text`, "approved_by": `''::text`, "paused_by": `''::text`}},
	"bill_run_failure": {columns: map[string]string{"reason": `'copied'::text`}},
	"bill": {from: accountNo + `t.account_id`, columns: map[string]string{"kind": keep, "state": keep, "number": keep, "part": keep, "currency": keep,
		"void_reason": `case when t.void_reason = '' then '' else 'copied' end`,
		"facts": `(t.facts - 'services' - 'notes' - 'reason') || jsonb_build_object('buyer', jsonb_build_object('name', ` + person + `,
			'address', jsonb_build_object('street', ` + address + `, 'postcode', '00000', 'city', 'Sample City', 'country', coalesce(t.facts #>> '{buyer,address,country}', '')),
			'tax_id', '', 'account', coalesce(p.number, '')))`}},
	"bill_line": {columns: map[string]string{"kind": keep, "code": keep, "description": keep, "unit": keep, "tax_category": keep}},
	"bill_tax":  {columns: map[string]string{"category": keep, "name": keep, "code": keep, "reason_code": keep, "reason": keep, "levy": keep}},
	"bill_item": {columns: map[string]string{"kind": keep, "code": keep, "words": keep, "currency": keep, "tax_category": keep, "source": keep,
		"ledger_kind": keep, "cause_kind": keep, "created_by": `''::text`}},
	"open_item":  {columns: map[string]string{"currency": keep, "number": keep, "past": keep}},
	"deposit":    {columns: map[string]string{"number": keep, "currency": keep, "reason": `'copied'::text`, "asked_by": keep}},
	"write_off":  {columns: map[string]string{"currency": keep, "reason": `'copied'::text`, "created_by": keep}},
	"commitment": {columns: map[string]string{"currency": keep, "created_by": keep}},
	"payment_intent": {columns: map[string]string{"detail": `'{}'::jsonb`, "purpose": keep, "currency": keep, "provider": keep, "provider_ref": `''::text`, "checkout_url": `''::text`,
		"idempotency_key": `t.id::text`, "failure": `''::text`, "state": `case when t.state in ('created', 'processing') then 'canceled' else t.state end`}},
	"payment":            {columns: map[string]string{"purpose": keep, "method": keep, "currency": keep, "reference": `''::text`, "created_by": keep}},
	"payment_allocation": {columns: map[string]string{}},
	"refund":             {columns: map[string]string{"reason": `'copied'::text`, "state": keep, "idempotency_key": `t.id::text`, "provider_ref": `''::text`, "created_by": keep}},
	"payment_method": {columns: map[string]string{"holder": `''::text`, "iban": `null::bytea`, "bic": `''::text`, "details": `'{}'::jsonb`, "kind": keep, "state": keep, "provider": `''::text`, "customer_id": `''::text`, "method_id": `''::text`, "masked_iban": `''::text`,
		"mandate_reference": `case when t.mandate_reference = '' then '' else 'MANDATE-' || t.id end`}},
	// what banks, cash desks and providers told is of the live world, as are the people's names in it
	"dispute":   {columns: map[string]string{"kind": keep, "provider": keep, "provider_ref": `t.id::text`, "currency": keep, "reason": keep, "state": keep, "parts": keep}},
	"debit_run": {}, "debit": {}, "bank_statement": {}, "bank_entry": {}, "cash_shift": {}, "cash_move": {}, "payout": {},
	"insight_revenue": {columns: map[string]string{"kind": keep, "currency": keep}},
	"insight_mark":    {columns: map[string]string{}},
	"ledger_mark":     {columns: map[string]string{}},
	"ledger_day":      {columns: map[string]string{"kind": keep, "event": keep, "unit": keep}},
	"ledger_total":    {columns: map[string]string{"kind": keep, "unit": keep}},
	"day_close":       {columns: map[string]string{"sums": keep, "checks": keep, "note": `''::text`, "signed_by": keep}},

	// sold vouchers are owed, and the tax of their sale stands in the ledger: they come along, with PINs that nobody has
	"voucher_batch": {columns: map[string]string{"code": keep, "currency": keep, "channel": keep, "dealer": `''::text`,
		"sealed_pins": `null::bytea`, "fetched_at": `coalesce(t.fetched_at, t.created_at)`, "fetched_by": `'copied'::text`, "created_by": keep}},
	"voucher": {columns: map[string]string{"state": keep, "pin_hash": `decode(md5(random()::text || t.id::text) || md5(random()::text || t.id::text), 'hex')`}},

	// what falls due in business time; what would reach the outside does not come along
	"agenda": {from: ` where t.state = 'due' and t.kind not in ('usage_file', 'webhook', 'refund', 'notice', 'trial', 'rerating', 'webhook_out', 'report_mail', 'auto_pay', 'provider_poll')`,
		columns: map[string]string{"kind": keep, "detail": keep, "state": keep, "last_error": `''::text`}},

	// left out on purpose
	"secret": {}, "signing_key": {}, "api_key": {}, "signin_session": {}, "signin_event": {}, "signin_device": {}, "signin_challenge": {}, "signin_code": {},
	"password_link": {}, "user_totp": {}, "recovery_code": {}, "idempotency": {}, "audit": {}, "audit_seal": {}, "daily_taking": {}, "hosting_told": {}, "hosting_bill": {}, "event": {}, "webhook_endpoint": {}, "webhook_delivery": {}, "report_schedule": {}, "notice": {}, "webhook_in": {},
	"tariff_trial": {}, "rerating_account": {}, "rerating_change": {}, // proposals and trials can be asked for again
	"note": {}, "contact_change": {}, "payment_link": {}, "staff_consent": {}, "staff_visit": {}, "sandbox_copy": {}, "imported_document": {},
	"intake_batch": {}, "intake_file": {}, "intake_finding": {}, "intake_account": {}, versions: {},
	"balance_act": {}, "adjustment_request": {}, "auto_topup": {}, "alert": {}, // deeds of people, money to come, crossings: begun anew
	"access_hold": {}, "access_intent": {}, "dunning_case": {}, "dunning_step": {}, "dunning_arrangement": {}, "bad_contact": {}, // what the network is to do is not a copy's
	"promo_code": {}, "promotion_gift": {}, "referral": {}, "referral_code": {},
}

// telling are types whose values can say something about somebody.
var telling = []string{"text", "jsonb", "json", "bytea", "text[]", "inet", "character varying"}

// value is the SQL of a column's value in the copy.
func (t treatment) value(c slotColumn) string {
	declared, known := t.columns[c.name]
	switch {
	case known && declared != keep:
		return declared
	case known || !slices.Contains(telling, c.kind):
		return "t." + c.name
	case !c.notNull:
		return "null::" + c.kind
	case c.kind == "jsonb" || c.kind == "json" || c.kind == "text[]":
		return "'{}'::" + c.kind
	default:
		return "''::" + c.kind
	}
}
