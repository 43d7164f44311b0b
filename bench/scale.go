package bench

import "time"

// scale is how large the benchmarks are made.
type scale struct {
	judged bool // the goals hold for it

	rounds      int // of ours and the baseline, in turns
	records     int // in usage files
	subscribers int
	oldKeys     int // taken before the files of bulk_vs_copy_old_keys

	debitAccounts int
	debitRounds   int
	debitTime     time.Duration // of ours and the baseline, each round

	rateRounds int
	rateCalls  int // in a round

	deckPrefixes int

	billSeed      int // accounts that live a month by the product's own ways
	billCopies    int // of whom so many copies are made: the large bill run
	fewAccounts   int // closed by each of the small ones
	fewRuns       int
	lines         int // subscriptions of an account
	eventsPerBill int

	trialAccounts int // whose month a draft is tried on
	trialRecords  int

	tenants   int // that stand already
	burst     int
	stock     int
	stockless int // made one after the other without stock

	homeSeed   int // subscribers who live 13 months by the product's own ways
	homeCopies int // of whom so many copies are made
	homeVisits int

	siteRounds int // of sites in a cloud, bare ones and ours in turns
	sites      int // made at once
}

// full is what the goals are set for.
var full = scale{
	judged: true, rounds: 3, records: 200_000, subscribers: 5_000, oldKeys: 100_000_000,
	debitAccounts: 2_000, debitRounds: 3, debitTime: 8 * time.Second,
	rateRounds: 201, rateCalls: 500,
	deckPrefixes: 60_000,
	billSeed:     1_000, billCopies: 100, fewAccounts: 1_000, fewRuns: 3, lines: 3, eventsPerBill: 60,
	trialAccounts: 10_000, trialRecords: 1_000_000,
	tenants: 300, burst: 20, stock: 20, stockless: 5,
	homeSeed: 1_000, homeCopies: 200, homeVisits: 4_000,
	siteRounds: 3, sites: 20,
}

// quick shows that everything runs, in seconds.
var quick = scale{
	rounds: 1, records: 2_000, subscribers: 60, oldKeys: 1_000_000,
	debitAccounts: 100, debitRounds: 1, debitTime: 400 * time.Millisecond,
	rateRounds: 3, rateCalls: 200,
	deckPrefixes: 1_000,
	billSeed:     60, billCopies: 2, fewAccounts: 40, fewRuns: 2, lines: 3, eventsPerBill: 15,
	trialAccounts: 60, trialRecords: 2_000,
	tenants: 2, burst: 2, stock: 2, stockless: 1,
	homeSeed: 20, homeCopies: 3, homeVisits: 40,
	siteRounds: 1, sites: 2,
}
