package intake_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/intake"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

const oneSubscriber = `account,kind,party_kind,name,email,street,postcode,city,next_bill,birth_date,id_document,id_verified
A-1,postpaid,individual,Ada Lund,ada@post.example,Weg 1,24937,Flensburg,2026-06-01,1990-01-01,Pass C01X0006,desk
A-2,prepaid,individual,Bo Lund,bo@post.example,Weg 1,24937,Flensburg,2026-06-01,1991-01-01,Pass C01X0007,desk
`

const oneService = `account,service,offering,activated_on,login,password,ont,line
A-1,S-1,nord-home,2025-01-01,ada,geheim-1234,HWTC00000001,+4946112345
`

func small() files { return files{intake.Subscribers: oneSubscriber, intake.Services: oneService} }

// with replaces text in one of the small files, or adds a file.
func with(kind intake.Kind, old, fresh string) files {
	all := small()
	if text, there := all[kind]; there && old != "" {
		all[kind] = strings.Replace(text, old, fresh, 1)
	} else {
		all[kind] = fresh
	}
	return all
}

// Each fault is found in its file, line and column, and nothing else is.
func TestCheck_namesEachFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.occupy()
	const (
		buckets = "account,service,code,origin,unit,value,initial,expires_on,priority\n"
		items   = "account,number,issue_date,due_date,currency,amount,open\n"
		terms   = "service,contract_from,contract_until,discount_percent,discount_amount,discount_reason\n"
		numbers = "document,year,next,last_issue\n"
		methods = "account,kind,provider,customer_id,mandate_reference,mandate_date,masked_iban\n"
		users   = "account,email\n"
		papers  = "account,number,date,total,file\n"
	)
	for name, c := range map[string]struct {
		files  files
		line   int
		column string
		code   intake.Code
	}{
		"unknown offering":              {with(intake.Services, "nord-home", "nord-hme"), 2, "offering", intake.UnknownName},
		"an offering of the other kind": {with(intake.Services, "nord-home", "hanse-prepaid-200"), 2, "offering", intake.OtherThan},
		"no such version":               {with(intake.Services, "account,service,offering,activated_on,login,password,ont,line\nA-1,S-1,nord-home,", "account,service,offering,offering_version,activated_on,login,password,ont,line\nA-1,S-1,nord-home,7,"), 2, "offering_version", intake.UnknownName},
		"unknown account":               {with(intake.Services, "A-1,S-1", "A-9,S-1"), 2, "account", intake.UnknownName},
		"a login in use":                {with(intake.Services, ",ada,", ",taken,"), 2, "login", intake.Taken},
		"a login on two lines":          {with(intake.Services, "+4946112345\n", "+4946112345\nA-1,S-2,nord-home,2025-01-01,ada,geheim-1234,HWTC00000002,+4946112346\n"), 3, "login", intake.Twice},
		"a service twice":               {with(intake.Services, "+4946112345\n", "+4946112345\nA-1,S-1,nord-home,2025-01-01,bo,geheim-1234,HWTC00000002,+4946112346\n"), 3, "service", intake.Twice},
		"activated tomorrow":            {with(intake.Services, "2025-01-01", "2026-05-11"), 2, "activated_on", intake.Wrong},
		"a date as people write it":     {with(intake.Services, "2025-01-01", "01.01.2025"), 2, "activated_on", intake.Wrong},
		"a password too short":          {with(intake.Services, "geheim-1234", "kurz"), 2, "password", intake.Wrong},
		"no street":                     {with(intake.Subscribers, "ada@post.example,Weg 1", "ada@post.example,"), 2, "street", intake.Missing},
		"no birth date for a number":    {with(intake.Subscribers, "1990-01-01", ""), 2, "birth_date", intake.Missing},
		"a number in use":               {with(intake.Subscribers, "A-2,", "TAKEN-1,"), 3, "account", intake.Taken},
		"a number on two lines":         {with(intake.Subscribers, "A-2,", "A-1,"), 3, "account", intake.Twice},
		"a bill day that is over":       {with(intake.Subscribers, "2026-06-01,1991", "2026-05-10,1991"), 3, "next_bill", intake.Past},
		"a bill day two cycles ahead":   {with(intake.Subscribers, "2026-06-01,1991", "2026-07-01,1991"), 3, "next_bill", intake.OtherThan},
		"neither kind":                  {with(intake.Subscribers, "A-2,prepaid", "A-2,flatrate"), 3, "kind", intake.Wrong},
		"a column we don't know":        {with(intake.Subscribers, "birth_date", "birthday"), 1, "birthday", intake.UnknownName},
		"a column that is needed":       {with(intake.Users, "", "account\nA-1\n"), 1, "email", intake.NoColumn},
		"a column twice":                {with(intake.Subscribers, "birth_date", "name"), 1, "name", intake.Twice},
		"too few fields":                {with(intake.Subscribers, "A-2,prepaid,", "A-2,"), 3, "", intake.Wrong},
		"no UTF-8":                      {with(intake.Subscribers, "Bo Lund", "Bo L\xfcnd"), 0, "", intake.Unreadable},
		"a quote left open":             {with(intake.Subscribers, "Bo Lund", `"Bo Lund`), 3, "", intake.Unreadable},
		"an expiry that is over":        {with(intake.Buckets, "", buckets+"A-2,,gift,promotion,EUR,5.00,,2026-05-09,\n"), 2, "expires_on", intake.Past},
		"money on a postpaid account":   {with(intake.Buckets, "", buckets+"A-1,,,,EUR,5.00,,,\n"), 2, "unit", intake.OtherThan},
		"another currency":              {with(intake.Buckets, "", buckets+"A-2,,,,USD,5.00,,,\n"), 2, "unit", intake.Wrong},
		"a decimal comma":               {with(intake.Buckets, "", buckets+"A-2,,,,EUR,\"5,00\",,,\n"), 2, "value", intake.Wrong},
		"an allowance nobody has":       {with(intake.Buckets, "", buckets+"A-1,S-1,home-1gb,allowance,byte,5,,2026-05-31,\n"), 2, "code", intake.UnknownName},
		"two main balances":             {with(intake.Buckets, "", buckets+"A-2,,,,EUR,5.00,,,\nA-2,,,,EUR,5.00,,,\n"), 3, "account", intake.Twice},
		"less at first than now":        {with(intake.Buckets, "", buckets+"A-2,,x,bought,byte,5,4,,\n"), 2, "initial", intake.Wrong},
		"open above the amount":         {with(intake.OpenItems, "", items+"A-1,R1,2026-04-01,2026-04-15,EUR,10.00,10.01\n"), 2, "open", intake.OtherThan},
		"open in another currency":      {with(intake.OpenItems, "", items+"A-1,R1,2026-04-01,2026-04-15,USD,10.00,10.00\n"), 2, "currency", intake.OtherThan},
		"finer than a cent":             {with(intake.OpenItems, "", items+"A-1,R1,2026-04-01,2026-04-15,EUR,10.001,10.00\n"), 2, "amount", intake.Wrong},
		"due before it was issued":      {with(intake.OpenItems, "", items+"A-1,R1,2026-04-16,2026-04-15,EUR,10.00,10.00\n"), 2, "due_date", intake.OtherThan},
		"a document owed twice":         {with(intake.OpenItems, "", items+"A-1,R1,2026-04-01,2026-04-15,EUR,10.00,9.00\nA-1,R1,2026-04-01,2026-04-15,EUR,10.00,9.00\n"), 3, "number", intake.Twice},
		"a discount without words":      {with(intake.Contracts, "", terms+"S-1,,,10,,\n"), 2, "discount_reason", intake.Missing},
		"a discount of both kinds":      {with(intake.Contracts, "", terms+"S-1,,,10,5,Loyal\n"), 2, "discount_amount", intake.Wrong},
		"a term that ends first":        {with(intake.Contracts, "", terms+"S-1,2026-01-01,2025-01-01,,,\n"), 2, "contract_until", intake.Wrong},
		"a contract of nothing":         {with(intake.Contracts, "", terms+"S-7,2026-01-01,2027-01-01,,,\n"), 2, "service", intake.UnknownName},
		"a series that is past it":      {with(intake.Numbers, "", numbers+"bill,2026,49,2026-05-05\n"), 2, "next", intake.Past},
		"a series issued later":         {with(intake.Numbers, "", numbers+"bill,2026,60,2026-04-05\n"), 2, "last_issue", intake.Past},
		"a mandate without a date":      {with(intake.PaymentMethods, "", methods+"A-1,sepa_debit,,,M-1,,DE89…3000\n"), 2, "mandate_date", intake.Missing},
		"a whole IBAN":                  {with(intake.PaymentMethods, "", methods+"A-1,sepa_debit,,,M-1,2025-01-01,DE89370400440532013000\n"), 2, "masked_iban", intake.Wrong},
		"a card without its provider":   {with(intake.PaymentMethods, "", methods+"A-1,card,,cus_1,,,\n"), 2, "customer_id", intake.Missing},
		"an address in use":             {with(intake.Users, "", users+"A-1,OWNER@post.example\n"), 2, "email", intake.Taken},
		"an address on two lines":       {with(intake.Users, "", users+"A-1,x@post.example\nA-2,X@post.example\n"), 3, "email", intake.Twice},
		"a PDF that is not there":       {with(intake.Documents, "", papers+"A-1,R1,2026-04-01,10.00,r1.pdf\n"), 2, "file", intake.UnknownName},
	} {
		b, found := w.check(w.batch(c.files).ID)
		if b.Errors != 1 || len(found) != 1 || found[0].Line != c.line || found[0].Column != c.column || found[0].Code != c.code || found[0].Want == "" {
			t.Errorf("%s: %d errors %v, want %s in line %d, column %q", name, b.Errors, found, c.code, c.line, c.column)
		}
		if strings.Contains(fmt.Sprint(found), "kurz") {
			t.Errorf("%s tells a password: %v", name, found)
		}
	}
}

// occupy takes what batches then can't have.
func (w *world) occupy() {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		sold, err := catalog.Current(ctx, tx, "nord-home", tx.At)
		if err != nil {
			return err
		}
		id, party := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
		a := account.Account{ID: id, Number: "TAKEN-1", Kind: account.Postpaid, Currency: money.MustCurrency("EUR"), CycleMonths: 1,
			Anchor: day(w.t, "2026-01-01"), LegalEntity: w.LegalEntity, Branch: w.Branch}
		a.Cycle.From, a.Cycle.To = day(w.t, "2026-05-01"), day(w.t, "2026-06-01")
		if err := account.Import(ctx, tx, []account.ImportedAccount{{Account: a, Party: account.Party{ID: party, Kind: account.Individual, Name: "Eva", Language: "en"}}}); err != nil {
			return err
		}
		_, err = account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: id, OfferingID: sold.ID, Services: []account.NewService{{
			Kind: account.Internet, Identities: []account.Identity{{Kind: account.Login, Value: "taken"}}}}}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into number_series (legal_entity, document, year, next, last_issue) values ($1, 'bill', 2026, 50, '2026-05-01')`, w.LegalEntity)
		if err != nil {
			return err
		}
		_, err = w.users.AddUser(ctx, tx, identity.NewUser{Email: "owner@post.example", Role: identity.Owner})
		return err
	})
}

func zipped(t testing.TB, entries map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range entries {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCheck_looksIntoArchives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const papers = "account,number,date,total,file\nA-1,R1,2026-04-01,10.00,r1.pdf\n"
	bomb := "%PDF-" + strings.Repeat("\x00", intake.MaxPDFBytes)
	for name, c := range map[string]struct {
		archive string
		code    intake.Code
	}{
		"no ZIP":        {"%PDF-1.4 alone", intake.Unreadable},
		"no PDF":        {zipped(t, map[string]string{"r1.pdf": "MZ"}), intake.Wrong},
		"a bomb":        {zipped(t, map[string]string{"r1.pdf": bomb}), intake.TooMuch},
		"one nobody is": {zipped(t, map[string]string{"r1.pdf": "%PDF-1.4", "r2.pdf": "%PDF-1.4"}), intake.UnknownName},
	} {
		all := small()
		all[intake.Documents], all[intake.Archive] = papers, c.archive
		b, found := w.check(w.batch(all).ID)
		if b.Errors == 0 || found[0].Code != c.code {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestCheck_totalsSaidBeforehand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := with(intake.OpenItems, "", "account,number,issue_date,due_date,amount,open\nA-1,R1,2026-04-01,2026-04-15,10.00,9.99\n")
	for open, want := range map[string]int{"9.99": 0, "9.98": 1} {
		b, found := w.check(w.batch(all, func(n *intake.NewBatch) {
			n.Expected = intake.Totals{OpenItems: map[string]money.Decimal{"EUR": money.MustDecimal(open)}}
		}).ID)
		if b.Errors != want || want == 1 && (found[0].Code != intake.TotalDiffers || found[0].Value != "9.99" || found[0].Want != "9.98") {
			t.Errorf("said %s: %v", open, found)
		}
	}
}

func TestUpload_boundsAndStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.batch(small())
	for name, c := range map[string]struct {
		upload intake.Upload
		want   error
	}{
		"unknown kind": {intake.Upload{Kind: "orders", Name: "x.csv", Content: []byte("x")}, intake.ErrFile},
		"a path":       {intake.Upload{Kind: intake.Users, Name: "../x.csv", Content: []byte("x")}, intake.ErrFile},
		"nothing":      {intake.Upload{Kind: intake.Users, Name: "x.csv"}, intake.ErrFileSize},
		"too large":    {intake.Upload{Kind: intake.Users, Name: "x.csv", Content: make([]byte, intake.MaxFileBytes+1)}, intake.ErrFileSize},
	} {
		err := w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.im.Upload(ctx, tx, b.ID, c.upload)
			return err
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]error{"unchecked": intake.ErrState, "committing": intake.ErrState} {
		err := w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
			if name == "unchecked" {
				_, err := w.im.Commit(ctx, tx, b.ID)
				return err
			}
			if _, err := w.im.Check(ctx, tx, b.ID); err != nil {
				return err
			}
			if _, err := w.im.Commit(ctx, tx, b.ID); err != nil {
				return err
			}
			_, err := w.im.Upload(ctx, tx, b.ID, intake.Upload{Kind: intake.Users, Name: "x.csv", Content: []byte("account,email\n")})
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
