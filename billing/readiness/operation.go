package readiness

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// sellers looks at the legal entities whose bills the run makes: what a bill
// names of its issuer by law (UStG § 14 (4) 1 and 2; PER-03/PJ/2022).
func (l *look) sellers(ctx context.Context) error {
	used, err := l.entities(ctx)
	if err != nil {
		return err
	}
	all, err := account.LegalEntities(ctx, l.tx)
	if err != nil {
		return err
	}
	for _, e := range all {
		var lacks []string
		for _, field := range [][2]string{
			{"street", e.Address.Street}, {"postcode", e.Address.Postcode}, {"city", e.Address.City}, {"tax_id", e.TaxID},
		} {
			if strings.TrimSpace(field[1]) == "" {
				lacks = append(lacks, field[0])
			}
		}
		if accounts := used[e.ID]; accounts > 0 && lacks != nil {
			l.report.add(Finding{
				Code: SellerLacks, Severity: Wrong, Values: map[string]string{"entity": e.Name, "fields": strings.Join(lacks, ", ")},
				Count: accounts, Examples: []Example{{"legal_entity", e.ID, e.Name}},
			})
		}
	}
	return nil
}

// entities counts the run's accounts by legal entity.
func (l *look) entities(ctx context.Context) (map[uuid.UUID]int64, error) {
	rows, err := l.tx.Query(ctx, `select a.legal_entity, count(*) from `+due+` group by a.legal_entity`, l.report.Day)
	if err != nil {
		return nil, err
	}
	used := map[uuid.UUID]int64{}
	var id uuid.UUID
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error { used[id] = n; return nil })
	return used, err
}

// suspense counts, by reason, what waits that would belong to a cycle of the
// run: by the record's own end or, where it can't be read, by its arrival.
func (l *look) suspense(ctx context.Context) error {
	var since *calendar.Date
	if err := l.tx.QueryRow(ctx, `select min(a.cycle_start) from `+due, l.report.Day).Scan(&since); err != nil || since == nil {
		return err
	}
	from, to := calendar.Period{From: *since, To: l.report.Day}.Instants(l.profile.Zone)
	rows, err := l.tx.Query(ctx, `
		with waiting as (
		    select id, reason, created_at, record ->> 'unit' as unit, (record ->> 'quantity')::numeric as quantity,
		           coalesce((record ->> 'end')::timestamptz, created_at) as at
		      from suspense
		     where state = 'waiting')
		select reason, count(*), min(at), coalesce(unit, ''), coalesce(sum(quantity), 0),
		       (array_agg(id order by created_at desc))[1:20]
		  from waiting
		 where at >= $1 and at < $2
		 group by reason, unit
		 order by count(*) desc`, from, to)
	if err != nil {
		return err
	}
	var reason, unit string
	var n int64
	var oldest time.Time
	var quantity money.Decimal
	var ids []uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&reason, &n, &oldest, &unit, &quantity, &ids}, func() error {
		f := Finding{Code: SuspenseWaiting, Severity: Wrong, Count: n, Values: map[string]string{
			"reason": reason, "oldest": l.profile.LocalDate(oldest).String(),
		}}
		if unit != "" {
			f.Values["quantity"], f.Values["unit"] = quantity.String(), unit
		}
		for _, id := range ids {
			f.Examples = append(f.Examples, Example{"suspense", id, reason})
		}
		l.report.add(f)
		return nil
	})
	return err
}

// A source is unusually silent after this many times the usual pause between
// its files, but never within a day.
const silentPauses = 3

// recentFiles are a source's latest, from which its usual pause is told.
// usage_file_received is walked backwards.
const selectSilent = `
	with recent as (
	    select f.source_id, f.received_at,
	           f.received_at - lag(f.received_at) over (partition by f.source_id order by f.received_at) as pause
	      from (select source_id, received_at from usage_file order by received_at desc, id desc limit 2000) f),
	usual as (
	    select source_id, max(received_at) as last, percentile_cont(0.5) within group (order by pause) as pause
	      from recent
	     group by source_id
	    having count(pause) >= 3)
	select s.id, s.name, u.last, u.pause
	  from usual u
	  join usage_source s on s.id = u.source_id
	 where u.last < $1::timestamptz - greatest($2::integer * u.pause, interval '1 day')
	 order by u.last`

// What an API or an access server sent last stands at the end of the records;
// a source that was at work and is not among the last twenty thousand of two
// months is silent. Its accepted keys tell that it was at work.
const selectQuiet = `
	with latest as (
	    select r.source_id, max(r.accepted_at) as last
	      from (select source_id, accepted_at from usage_record
	             where period >= $2::date order by period desc, id desc limit 20000) r
	     group by r.source_id)
	select s.id, s.name, coalesce(l.last, s.created_at)
	  from usage_source s
	  left join latest l on l.source_id = s.id
	 where not exists (select from usage_file f where f.source_id = s.id)
	   and exists (select from usage_key k where k.source_id = s.id)
	   and coalesce(l.last, s.created_at) < $1::timestamptz - interval '2 days'
	 order by 3`

// sources finds those that usually deliver and have not.
func (l *look) sources(ctx context.Context) error {
	rows, err := l.tx.Query(ctx, selectSilent, l.tx.At, silentPauses)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var name string
	var last time.Time
	var pause time.Duration
	silent := func(usual string) error {
		l.report.add(Finding{Code: SourceSilent, Severity: Look, Count: 1, Examples: []Example{{"source", id, name}},
			Values: map[string]string{"source": name, "last": last.UTC().Format(time.RFC3339), "usual": usual}})
		return nil
	}
	if _, err = pgx.ForEachRow(rows, []any{&id, &name, &last, &pause}, func() error { return silent(pause.Round(time.Minute).String()) }); err != nil {
		return err
	}
	month := l.today
	month.Day = 1
	if rows, err = l.tx.Query(ctx, selectQuiet, l.tx.At, month.AddMonths(-1)); err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, []any{&id, &name, &last}, func() error { return silent("") })
	return err
}

// agenda finds work that has failed for good. agenda_failed holds it.
func (l *look) agenda(ctx context.Context) error {
	rows, err := l.tx.Query(ctx, `
		select kind, count(*), (array_agg(id order by due_at desc))[1:20], (array_agg(last_error order by due_at desc))[1]
		  from agenda
		 where state = 'failed'
		 group by kind
		 order by kind`)
	if err != nil {
		return err
	}
	var kind, cause string
	var n int64
	var ids []uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&kind, &n, &ids, &cause}, func() error {
		f := Finding{Code: AgendaFailed, Severity: Wrong, Count: n, Values: map[string]string{"kind": kind, "error": cause}}
		if kind == "bill_run" || kind == "cycle_start" {
			f.Severity = Stops
		}
		for _, id := range ids {
			f.Examples = append(f.Examples, Example{"agenda", id, kind})
		}
		l.report.add(f)
		return nil
	})
	return err
}

// Numbers that were given elsewhere before have to go on: a series that would
// begin at 1 beside documents of another system repeats their numbers.
const selectSeries = `
	select e.id, e.name, d.document, t.accounts,
	       exists (select from imported_document i join billing_account a on a.id = i.account_id where a.legal_entity = e.id)
	       or exists (select from open_item i join billing_account a on a.id = i.account_id where i.bill_id is null and i.deposit_id is null and a.legal_entity = e.id)
	  from (select a.legal_entity, case a.kind when 'postpaid' then 'bill' else 'statement' end as document, count(*) as accounts
	          from ` + due + ` group by 1, 2) t
	  join legal_entity e on e.id = t.legal_entity
	  cross join lateral (select t.document) d
	 where not exists (select from number_series n where n.legal_entity = e.id and n.document = t.document and n.year <= $2)
	 order by e.name, d.document`

func (l *look) series(ctx context.Context) error {
	rows, err := l.tx.Query(ctx, selectSeries, l.report.Day, l.report.Day.Year)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var name, document string
	var accounts int64
	var before bool
	_, err = pgx.ForEachRow(rows, []any{&id, &name, &document, &accounts, &before}, func() error {
		f := Finding{Code: SeriesNotSet, Severity: Look, Count: accounts, Examples: []Example{{"legal_entity", id, name}},
			Values: map[string]string{"entity": name, "document": document, "year": strconv.Itoa(l.report.Day.Year)}}
		if before {
			f.Severity = Wrong
		}
		l.report.add(f)
		return nil
	})
	return err
}

// How many accounts are reckoned up: some of each offering, and those whose
// usage is below zero.
const (
	perOffering = 20
	sampled     = 100
)

const selectSample = `
	(select a.id from ` + due + ` and a.unbilled < 0 order by a.unbilled limit 20)
	union
	(select a.id
	   from (select distinct s.offering_id from (select a.id from ` + due + ` limit 20000) a join subscription s on s.account_id = a.id) o
	  cross join lateral (
	        select a.id from (select a.id from ` + due + ` limit 20000) a
	         where exists (select from subscription s where s.account_id = a.id and s.offering_id = o.offering_id)
	         limit $2) a
	  limit $3)`

// previews reckons a sample up as the run would, and tells each distinct
// failure that no other question has told of.
func (l *look) previews(ctx context.Context) error {
	rows, err := l.tx.Query(ctx, selectSample, l.report.Day, perOffering, sampled)
	if err != nil {
		return err
	}
	sample, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	previews, err := l.closer.PreviewMany(ctx, l.tx, sample)
	if err != nil {
		return err
	}
	l.report.Previewed = len(previews)
	failed := map[string]*Finding{}
	for _, p := range previews {
		if p.Err == nil {
			continue
		}
		cause := causeOf(p.Err)
		if failed[cause] == nil {
			failed[cause] = &Finding{Code: PreviewFails, Severity: Stops, Values: map[string]string{"error": cause}}
		}
		f := failed[cause]
		f.Count++
		if len(f.Examples) < maxExamples {
			f.Examples = append(f.Examples, Example{"account", p.AccountID, p.Number})
		}
	}
	for _, cause := range sortedKeys(failed) {
		l.report.add(*failed[cause])
	}
	return nil
}

// causeOf is an error without the ids that make each account's its own.
func causeOf(err error) string {
	words := strings.Fields(err.Error())
	for i, word := range words {
		if _, parse := uuid.Parse(strings.Trim(word, ":,;")); parse == nil {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

func sortedKeys(m map[string]*Finding) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
