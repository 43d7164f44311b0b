package problem

import (
	"net/http"

	"tollhouse/billing"
	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/alert"
	"tollhouse/billing/audit"
	"tollhouse/billing/balance"
	"tollhouse/billing/bank/pain"
	"tollhouse/billing/bank/statement"
	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf/tagged"
	"tollhouse/billing/bill/ubl"
	"tollhouse/billing/calendar"
	"tollhouse/billing/cashdesk"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/collection"
	"tollhouse/billing/contact"
	"tollhouse/billing/debit"
	"tollhouse/billing/desk"
	"tollhouse/billing/event"
	"tollhouse/billing/hosting"
	"tollhouse/billing/identity"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/intake"
	"tollhouse/billing/ledger"
	"tollhouse/billing/letter"
	"tollhouse/billing/migration"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/partner"
	"tollhouse/billing/payment"
	"tollhouse/billing/points"
	"tollhouse/billing/promotion"
	"tollhouse/billing/rating"
	"tollhouse/billing/recharge"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/replay"
	"tollhouse/billing/report"
	"tollhouse/billing/sandbox"
	"tollhouse/billing/task"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
	"tollhouse/billing/usage"
	"tollhouse/billing/visit"
	"tollhouse/billing/voucher"
	"tollhouse/provisioning"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/fleet"
	"tollhouse/provisioning/guarantee"
	"tollhouse/provisioning/hardware"
	"tollhouse/provisioning/machine"
	"tollhouse/provisioning/move"
	"tollhouse/provisioning/pair"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
	"tollhouse/tenants/house"
)

// rule says what kind of problem errors are.
type rule struct {
	kind   Kind
	errors []error
}

// Kinds that the domain refuses with.
var (
	badWebhook    = Kind{"webhook-refused", "The event was not taken", http.StatusBadRequest}
	wrongPassword = Kind{"sign-in-failed", "Sign-in failed", http.StatusUnauthorized}
	secondFactor  = Kind{"second-factor-wanted", "A code of the second factor is wanted", http.StatusUnauthorized}
	tooMany       = Kind{"too-many-attempts", "Too many attempts: wait a little", http.StatusTooManyRequests}
	keyReused     = Kind{"idempotency-key-reused", "This Idempotency-Key was used for another request", http.StatusConflict}
	notLetIn      = Kind{"machine-refused", "This machine is not let in", http.StatusForbidden}
	eventConflict = Kind{"event-conflict", "This id was used with another body", http.StatusConflict}
	taken         = Kind{"taken", "Another has this already", http.StatusConflict}
	wrongState    = Kind{"wrong-state", "Its state does not allow that", http.StatusConflict}
	suspended     = Kind{"operator-suspended", "The operator is suspended", http.StatusForbidden}
	notASandbox   = Kind{"not-a-sandbox", "Only a sandbox can do that", http.StatusConflict}
	incomplete    = Kind{"order-incomplete", "Facts are missing that activation needs", http.StatusUnprocessableEntity}
	notClean      = Kind{"offering-not-clean", "The offering has faults", http.StatusUnprocessableEntity}
	notSold       = Kind{"offering-not-sold", "The offering is not on sale", http.StatusUnprocessableEntity}
	insufficient  = Kind{"insufficient-balance", "There is not enough", http.StatusUnprocessableEntity}
	Unprocessable = Kind{"unprocessable", "A rule forbids this", http.StatusUnprocessableEntity}
)

// table is the one place where domain errors become problems. The first rule
// that fits is taken.
var table = []rule{
	{InvalidRequest, []error{
		access.ErrHold, event.ErrInvalid, report.ErrInvalid, collection.ErrPlan, notice.ErrWords, notice.ErrSettings,
		account.ErrInvalid, tenants.ErrInvalid, tenants.ErrKey, idempotency.ErrKey, onboarding.ErrFact,
		identity.ErrEmail, identity.ErrPassword, identity.ErrRole, identity.ErrKeyName, identity.ErrPhone, identity.ErrUserName, identity.ErrLanguage,
		identity.ErrBranch, identity.ErrRoleName, identity.ErrRoleTitle, identity.ErrPermission, identity.ErrFactorCode,
		usage.ErrMapping, usage.ErrSourceName, usage.ErrCursor, usage.ErrNoReason, usage.ErrFix, usage.ErrUnknownReason,
		replay.ErrChoice,
		usage.ErrEncoding, usage.ErrHeader, billing.ErrFileCutOff, billing.ErrReturnURL,
		balance.ErrReason, balance.ErrReasonCode, desk.ErrNote, payment.ErrReason, pain.ErrFile, statement.ErrFile, reconcile.ErrForm, reconcile.ErrParts, payment.ErrMethod, intake.ErrName, intake.ErrFile, intake.ErrFileSize, catalog.ErrQuantity, catalog.ErrContents, catalog.ErrWindow, catalog.ErrDeckEntry,
		catalog.ErrTable, catalog.ErrReferenceCode, catalog.ErrReferenceNames, catalog.ErrHoliday, catalog.ErrRate,
		money.ErrSyntax, money.ErrUnknownCurrency, money.ErrUnknownUnit, money.ErrUnknownRounding, money.ErrInexact, money.ErrOverflow,
		catalog.ErrEvery, catalog.ErrArchive, partner.ErrPartner, migration.ErrPlan,
		calendar.ErrSyntax, calendar.ErrCycle, tenant.ErrID, tax.ErrPercent, tax.ErrDiscount,
		tax.ErrRate, tax.ErrFactor, tax.ErrCode, tax.ErrCategory, tax.ErrRule, tax.ErrTooMany, tax.ErrRounding, tax.ErrMoment, tax.ErrExemption, tax.ErrWithholding, tax.ErrTaxID, bill.ErrPeriod, bill.ErrCertificateNumber,
		session.ErrStep, charging.ErrPolicy,
		move.ErrPauseLimit, provisioning.ErrHostName, provisioning.ErrHostURL, provisioning.ErrHostKind, provisioning.ErrHostCapacity, provisioning.ErrHostCharges, guarantee.ErrWeight, guarantee.ErrRate, guarantee.ErrP99, backup.ErrKind, backup.ErrWhose, backup.ErrInstant,
		promotion.ErrCondition, promotion.ErrTooCostly, promotion.ErrCodeForm, promotion.ErrBatch,
	}},
	{badWebhook, []error{payment.ErrWebhookSignature, payment.ErrWebhookStale, payment.ErrWebhookMalformed, billing.ErrSignature}},
	{Unauthenticated, []error{identity.ErrUnauthenticated, identity.ErrToken, tenants.ErrToken}},
	{wrongPassword, []error{tenants.ErrFactorCode, visit.ErrTicket, identity.ErrSignIn, tenants.ErrCredentials}},
	{secondFactor, []error{identity.ErrSecondFactor, tenants.ErrFactorWanted}},
	{tooMany, []error{identity.ErrTooMany, contact.ErrTooMany, voucher.ErrTooMany, promotion.ErrTooMany}},
	{Forbidden, []error{desk.ErrNotByOwn, tenants.ErrOwnRequest, tenants.ErrNotApproved, visit.ErrOwnApproval, visit.ErrVisitor, balance.ErrOwnRequest, cashdesk.ErrSecondPerson, balance.ErrNotAsker, identity.ErrForbidden, identity.ErrBeyond}},
	{suspended, []error{account.ErrSuspended}},
	{NotFound, []error{
		access.ErrNotFound, collection.ErrNotFound, collection.ErrNoPolicy, collection.ErrItem, notice.ErrNoTemplate,
		intake.ErrNotFound, replay.ErrNotFound, debit.ErrNotFound, debit.ErrMandate, billing.ErrNoNews, reconcile.ErrNotFound, cashdesk.ErrNoShift, charging.ErrNoCharge,
		catalog.ErrDeckNotFound, catalog.ErrCalendarNotFound,
		catalog.ErrNoSpecification, partner.ErrNotFound, migration.ErrNotFound, migration.ErrNotMember,
		tenant.ErrUnknown, account.ErrNotFound, catalog.ErrNotFound, balance.ErrNotFound, balance.ErrRequestNotFound, balance.ErrGroup, balance.ErrNotMember, payment.ErrNotFound, payment.ErrLink, bill.ErrNotFound, bill.ErrNoRun, event.ErrNotFound, report.ErrUnknown, report.ErrNoSchedule, report.ErrNoDay, bill.ErrNoItemOpen, bill.ErrNoWriteOff, bill.ErrNoDeposit,
		session.ErrUnknown, charging.ErrNoNotice,
		usage.ErrNoSource, usage.ErrNoFile, usage.ErrNoSuspended, onboarding.ErrOrderNotFound, onboarding.ErrNoSecret,
		identity.ErrUserNotFound, identity.ErrKeyNotFound, identity.ErrRoleNotFound, identity.ErrSessionNotFound,
		alert.ErrNotFound, points.ErrNoReward, recharge.ErrNone, voucher.ErrNotFound,
		account.ErrNoPlanChange, desk.ErrNoNote, tenants.ErrNotFound, notice.ErrNotFound, visit.ErrNoVisit, sandbox.ErrNoCopy, promotion.ErrNotFound,
	}},
	{NotFound, []error{bill.ErrNoItem, tax.ErrNoExemption}},
	{NotFound, []error{fleet.ErrCloud, fleet.ErrOrphan}},
	{NotFound, []error{contract.ErrNotFound, hosting.ErrNotFound}},
	{wrongState, []error{contract.ErrState, contract.ErrFixed, contract.ErrTotalDiffers, contract.ErrBroken, contract.ErrPrice, house.ErrPrices}},
	{Unprocessable, []error{contract.ErrForged}},
	{taken, []error{contract.ErrOverlap}},
	{Unprocessable, []error{contract.ErrBuyOut}},
	{wrongState, []error{fleet.ErrState, fleet.ErrRevision, fleet.ErrUpgradeState, fleet.ErrUpgrading}},
	{taken, []error{fleet.ErrOfferName}},
	{NotFound, []error{enrol.ErrNotFound, enrol.ErrProgram, alarm.ErrNotFound, hardware.ErrNotFound}},
	{InvalidRequest, []error{machine.ErrReport, machine.ErrUnsigned, backup.ErrPart}},
	{Unauthenticated, []error{enrol.ErrSignature, enrol.ErrClock}},
	{notLetIn, []error{enrol.ErrToken, enrol.ErrTokenUsed, enrol.ErrTokenLate, enrol.ErrTokenForeign, enrol.ErrProof, enrol.ErrRevoked}},
	{wrongState, []error{enrol.ErrState, enrol.ErrHostStands, enrol.ErrReplay, alarm.ErrState, alarm.ErrCondition, hardware.ErrState}},
	{taken, []error{enrol.ErrKeyKnown, hardware.ErrSerialTaken, hardware.ErrNameTaken}},
	{Unprocessable, []error{hardware.ErrUnitsTaken, hardware.ErrPower, hardware.ErrNoSpare, hardware.ErrRackUsed}},
	{Unprocessable, []error{event.ErrTooMany, report.ErrDayUnsure}},
	{wrongState, []error{event.ErrMove, event.ErrNotActive, report.ErrDayOpen, report.ErrDayClosed}},
	{wrongState, []error{bill.ErrRunState, bill.ErrOwnRun, bill.ErrNothingToBill, account.ErrPaused, account.ErrNotPaused, account.ErrSameCycle, account.ErrParentCycle, account.ErrParent, desk.ErrInTerm, bill.ErrItemTaken}},
	{taken, []error{bill.ErrItemDiffers}},
	{Unprocessable, []error{bill.ErrPrepaidItem, bill.ErrNothingWithheld, bill.ErrCertificateAmount, ubl.ErrIncomplete, ubl.ErrNotFinal}},
	{wrongState, []error{intake.ErrState, intake.ErrFindings, intake.ErrEmpty, intake.ErrFiles, intake.ErrHappened}},
	{keyReused, []error{idempotency.ErrDifferentBody, tenants.ErrKeyReused, payment.ErrKeyReused}},
	{eventConflict, []error{charging.ErrConflict, session.ErrConflict}},
	{taken, []error{
		voucher.ErrCodeTaken, debit.ErrReference,
		account.ErrIdentityInUse, account.ErrNameTaken, account.ErrDiscountTaken, account.ErrNumberInUse, identity.ErrEmailTaken, identity.ErrPhoneTaken, tenants.ErrEmailTaken, tenants.ErrNameTaken, usage.ErrSourceExists, usage.ErrKeyTaken,
		bill.ErrNumberTaken, bill.ErrNumberFormat, bill.ErrNoteID, bill.ErrCommitted, promotion.ErrCodeTaken,
	}},
	{wrongState, []error{
		replay.ErrState, replay.ErrUndone, replay.ErrBusy, balance.ErrDecided, balance.ErrShares, balance.ErrGroupFull,
		access.ErrHeld, collection.ErrArranged, collection.ErrOver,
		alert.ErrEnded, voucher.ErrUsed, voucher.ErrExpired, voucher.ErrFetched, voucher.ErrMove,
		visit.ErrNoConsent, visit.ErrOver, tenants.ErrOperatorState, tenants.ErrOperatorDiffers, tenants.ErrDecided, tenants.ErrFactorState, sandbox.ErrCopyOfCopy,
		account.ErrChangeScheduled, account.ErrChangeEnded, desk.ErrNotRunning, account.ErrMove, account.ErrClosed, account.ErrSubscribed, account.ErrCurrencyFixed, account.ErrNotSetUp,
		catalog.ErrDeckState, catalog.ErrDeckOvertaken, catalog.ErrCalendarUsed,
		catalog.ErrSpecificationUsed, catalog.ErrNotTried, migration.ErrRuns, account.ErrNoPart, onboarding.ErrRequiredPart,
		catalog.ErrPublished, catalog.ErrNotPublished, catalog.ErrSuperseded, onboarding.ErrOrderEnded,
		usage.ErrNotWaiting, usage.ErrFileDone, usage.ErrFileMoved, usage.ErrKeyChanged,
		payment.ErrIntentState, payment.ErrRefundState, payment.ErrDisputeState, payment.ErrSameAccount, payment.ErrNothingToMove, debit.ErrRunState, letter.ErrNotFinal, reconcile.ErrEntryState, cashdesk.ErrShiftOpen, cashdesk.ErrState, bill.ErrHasMoney, bill.ErrSent, bill.ErrVoidForbidden, bill.ErrInstalments, bill.ErrNotCreditable, bill.ErrCycleOpen, bill.ErrNothingEnds, tenants.ErrLastAdmin,
		identity.ErrLastOwner, identity.ErrRoleInUse, identity.ErrTooManyRoles, identity.ErrHasFactor, identity.ErrNoFactor, identity.ErrResetToken,
		identity.ErrNotInvited, promotion.ErrState, promotion.ErrGiven,
	}},
	{NotFound, []error{guarantee.ErrNone, pair.ErrNone, move.ErrNotThere, provisioning.ErrNoHost, backup.ErrNotThere, backup.ErrNoServer}},
	{wrongState, []error{move.ErrOpen, move.ErrState, move.ErrSameHost, provisioning.ErrHostFull, provisioning.ErrNoRoom, provisioning.ErrOwnMachines, provisioning.ErrPlaced, backup.ErrUnderWay, backup.ErrRuns}},
	{notASandbox, []error{billing.ErrLiveClock}},
	{incomplete, []error{onboarding.ErrIncomplete}},
	{notClean, []error{catalog.ErrNotClean, promotion.ErrNotClean}},
	{notSold, []error{onboarding.ErrNotSold}},
	{insufficient, []error{balance.ErrInsufficient, charging.ErrInsufficient, charging.ErrCreditLimit, points.ErrTooFew, ledger.ErrOverdrawn, cashdesk.ErrNotThere, payment.ErrTooMuch, bill.ErrCredited, bill.ErrDepositAmount}},
	{Unprocessable, []error{
		guarantee.ErrRoom,
		collection.ErrNothingOverdue, billing.ErrNoNumber, collection.ErrPromise, collection.ErrPromises,
		desk.ErrOtherKind, desk.ErrInBundle, onboarding.ErrNoAccountYet,
		voucher.ErrPIN, voucher.ErrCurrency, balance.ErrLimit, payment.ErrNoMethod, recharge.ErrPostpaid,
		transfer.ErrOff, transfer.ErrReceiver, transfer.ErrSelf, transfer.ErrAmount, transfer.ErrLimit,
		charging.ErrBeyondCharge, charging.ErrCorrection, charging.ErrTooMuchUsage,
		desk.ErrSamePlan, desk.ErrOtherBilling, desk.ErrNewService, billing.ErrClockGoesBack, balance.ErrAmount, charging.ErrNotChargeable, money.ErrCurrencyMismatch, rating.ErrTooFine,
		payment.ErrAmount, payment.ErrBill, payment.ErrNothingOwed, payment.ErrCeiling, payment.ErrPurpose, payment.ErrOtherParty, debit.ErrNoCreditor, debit.ErrNothingDue, debit.ErrDay, cashdesk.ErrNotCash, payment.ErrProviderRefused, payment.ErrProviderAmount,
		tax.ErrEngineRefused, tax.ErrEngineAnswer, tax.ErrEngineMissing, tax.ErrEngineBasis, tax.ErrNoTaxID,
		letter.ErrUnreachable,
		payment.ErrProviderNotConfigured, tax.ErrNoRate, tax.ErrOverlap, catalog.ErrNoRate, catalog.ErrDeckPast, catalog.ErrDeckZones, catalog.ErrPastDay,
		bill.ErrNegativeTotal, bill.ErrMixedBasis, bill.ErrCurrency, bill.ErrNoteLine, bill.ErrNoteAmount, bill.ErrNoteReason, bill.ErrDebitLine, bill.ErrWriteOff,
		promotion.ErrCode, promotion.ErrNotEligible, promotion.ErrStacking, promotion.ErrUsedUp, promotion.ErrReferral, promotion.ErrReferred,
	}},
	{Unavailable, []error{provisioning.ErrNotReady, tenant.ErrUnreachable, tenant.ErrMoving, task.ErrStopped, payment.ErrProviderUnavailable, tax.ErrEngineUnavailable, tax.ErrRegistryUnreachable, usage.ErrRace, identity.ErrBusy, charging.ErrBusy, charging.ErrStopped}},
}

// ours are errors that a caller cannot bring about: whoever meets one has
// found a fault in here. They are told as nothing but a trace.
var ours = []error{
	account.ErrNumbersSpent, agenda.ErrKind, audit.ErrIncomplete, bill.ErrMoved, bill.ErrNoOffering, calendar.ErrNull, identity.ErrNoSigningKey,
	machine.ErrNotForUs, access.ErrNoNetwork, event.ErrEvent, billing.ErrNoNetwork,
	billing.ErrUndeliverable, billing.ErrRecipient, notice.ErrMessage, ledger.ErrControlSums, ledger.ErrDeferred, ledger.ErrTransfer, ledger.ErrUnknownAccount, money.ErrDivisionByZero, money.ErrNoWeight, money.ErrNull,
	tagged.ErrFont, tax.ErrLineUnit, tenant.ErrNoClock, tenant.ErrRows, tenant.ErrSlot, tenants.ErrChainBroken, usage.ErrHashKey,
}

// fields names the field of errors that speak of one.
var fields = map[error]Fault{
	collection.ErrPlan:           {"instalments", "do not fit", "amounts that add up to what is overdue, on days in order from today on"},
	collection.ErrItem:           {"item", "is nothing that the account owes", "an open item of the account, or a bill of it with something open"},
	desk.ErrNote:                 {"text", "has another length", "1 to 4000 characters"},
	identity.ErrEmail:            {"email", "is no e-mail address", "an address such as owner@example.net"},
	identity.ErrPassword:         {"password", "has another length", "10 to 256 characters"},
	identity.ErrRole:             {"role", "is no role for this", "a role of users or keys; a subscriber names its account, nobody else does"},
	identity.ErrFactorCode:       {"code", "is wrong or was used", "the six digits that your app shows now"},
	identity.ErrPhone:            {"phone", "is no telephone number", "a number with its country's code, such as +4930901820"},
	identity.ErrPhoneTaken:       {"phone", "is taken", "a number that no other user has"},
	identity.ErrUserName:         {"name", "is too long", "at most 200 characters"},
	identity.ErrLanguage:         {"language", "is none that pages are written in", "en, id or ru"},
	identity.ErrBranch:           {"branch", "is unknown", "a branch of this operator"},
	identity.ErrRoleName:         {"name", "has another form", "2 to 40 lower-case letters, digits, dashes and underscores, and no role built in"},
	identity.ErrRoleTitle:        {"title", "has another length", "1 to 100 characters"},
	identity.ErrPermission:       {"permissions", "holds what no role can be given", "permissions of roles, none of subscribers"},
	identity.ErrBeyond:           {"role", "has more rights than yours", "a role whose rights you have yourself"},
	identity.ErrKeyName:          {"name", "is empty", "a name"},
	usage.ErrNoSource:            {"source", "is unknown", "a source of this operator; GET /usage-sources lists them"},
	usage.ErrSourceName:          {"name", "has another form", "1 to 63 lower-case letters, digits and dashes, no dash first"},
	charging.ErrBeyondCharge:     {"amount", "is more than is left of the charge", "at most what is left of it"},
	usage.ErrNoReason:            {"reason", "is empty", "why the item is given up"},
	usage.ErrFix:                 {"raw", "does not stand alone", "either raw, or patch for an item that could be read"},
	usage.ErrUnknownReason:       {"reason", "is not in the list", "a reason for suspense"},
	billing.ErrFileCutOff:        {"body", "ends too early", "the whole file"},
	billing.ErrReturnURL:         {"return_url", "leads elsewhere", "a path of this site, or its address"},
	billing.ErrClockGoesBack:     {"to", "is before the clock", "an instant at or after the business time now"},
	balance.ErrReason:            {"reason", "is empty", "why the balance changes"},
	balance.ErrReasonCode:        {"reason_code", "is none of the operator's reasons", "the code of a reason that the operator has laid down (getBalancePolicy, adjustment)"},
	balance.ErrAmount:            {"amount", "cannot be booked", "an amount other than zero, with at most nine decimals, in the account's currency"},
	balance.ErrInsufficient:      {"amount", "is more than there is", "at most what the balance holds"},
	intake.ErrName:               {"name", "has another form", "a name of 1 to 100 characters on one line"},
	intake.ErrFile:               {"file", "has another form", "a known kind, and a name of 1 to 200 characters without slashes"},
	intake.ErrFileSize:           {"file", "has another size", "a CSV file of up to 32 MB, or an archive of up to 64 MB"},
	bill.ErrCertificateNumber:    {"certificate", "has another length", "a number of 1 to 100 characters"},
	bill.ErrCertificateAmount:    {"amount", "is more than was kept back or is open", "at most what the bill says is kept back and no certificate has shown yet"},
	bill.ErrPeriod:               {"period", "is no month, year or span of days", "such as month:2026-05, year:2026, days:2026-05-01/2026-05-20 or since-last-payment"},
	tax.ErrRate:                  {"category", "is not well formed", "a category and a levy of small letters, digits and dashes, a name, and a place of 1 to 9"},
	tax.ErrFactor:                {"base", "is no part of the price", "a fraction such as 11/12"},
	tax.ErrPercent:               {"percent", "is out of range", "0 to 100"},
	tax.ErrCode:                  {"code", "does not go with the category's rate", "S, L or M for what is taxed; Z, E, AE, K, G or O with a rate of 0"},
	tax.ErrCategory:              {"key", "is not well formed", "up to 40 small letters, digits and dashes"},
	tax.ErrRule:                  {"items", "holds a rule that cannot be followed", "countries (two letters, EU, other or *), a kind of buyer, a treatment, and a category where the treatment is category"},
	tax.ErrTooMany:               {"items", "holds too many rules", "at most 200"},
	tax.ErrMoment:                {"top_ups", "is unknown", "use or sale"},
	move.ErrPauseLimit:           {"pause_limit_seconds", "is out of range", "1 to 60 seconds"},
	provisioning.ErrHostName:     {"name", "has another form", "3 to 40 small letters, digits, - and _, a letter first"},
	provisioning.ErrHostURL:      {"url", "is no address of a PostgreSQL server", "postgres://user:password@host/postgres of its administrator"},
	provisioning.ErrHostKind:     {"kind", "is unknown", "pooled or dedicated"},
	provisioning.ErrHostCapacity: {"capacity", "is out of range", "1 to 300 stacks, 1 for a dedicated one"},
	provisioning.ErrHostCharges:  {"charges_per_second", "is out of range", "0 to 1,000,000 charges a second"},
	guarantee.ErrWeight:          {"weight", "is out of range", "1 to 1000"},
	guarantee.ErrRate:            {"rate", "is out of range", "0 to 1,000,000 charges a second"},
	guarantee.ErrP99:             {"p99_ms", "is out of range", "10 to 60,000 ms with a rate, 0 without"},
	provisioning.ErrNoHost:       {"to", "is no host database", "the name of one that is listed"},
	backup.ErrKind:               {"kind", "is unknown", "full, incremental, drill or restore"},
	backup.ErrWhose:              {"operator", "does not fit the kind", "an operator with restore, and with nothing else"},
	backup.ErrInstant:            {"at", "cannot be restored", "an instant since the earliest backup, and not in the future"},
	tax.ErrRounding:              {"rounding", "is unknown", "group or line"},
	tax.ErrExemption:             {"from", "or another part does not fit", "a code that taxes nothing, a reason, and days in order"},
	tax.ErrWithholding:           {"percent", "is out of range", "a name, and more than 0 and less than 100 per cent"},
	tax.ErrTaxID:                 {"tax_id", "is no tax id of that country", "the id with its check digits"},
	bill.ErrCredited:             {"amount", "is more than is left of the bill or line", "at most what is left to credit"},
	bill.ErrNoteLine:             {"lines", "names a line that the bill does not have, or one twice", "numbers of the bill's lines with an amount"},
	bill.ErrNoteAmount:           {"amount", "cannot be put on a note", "an amount above zero, no finer than the bill's"},
	bill.ErrNoteReason:           {"reason", "is empty or too long", "why the bill is corrected, in at most 500 characters"},
	bill.ErrNumberFormat:         {"template", "could print a number that another series prints or has printed", "a prefix or separator of its own"},
	bill.ErrDepositAmount:        {"amount", "is more than is held", "at most what is held of the deposit"},
	bill.ErrCommitted:            {"from", "meets another commitment", "days on which no other commitment holds"},
	bill.ErrWriteOff:             {"amount", "cannot be written off, or taken back", "an amount above zero, at most what is open or was written off"},
	bill.ErrDebitLine:            {"lines", "hold one without description or tax category", "a description and a tax category, or the number of a line of the bill"},
	payment.ErrMethod:            {"kind", "lacks what it needs", "a mandate with reference and date, or a card with its provider's id"},
	payment.ErrReason:            {"reason", "is empty", "why money goes back"},
	payment.ErrAmount:            {"amount", "cannot be paid", "an amount above zero in the account's currency, no finer than its documents"},
	payment.ErrBill:              {"bill", "is none of this account", "a bill of the account"},
	payment.ErrCeiling:           {"amount", "is more than one payment may be", "an amount that is owed, or one that somebody tops up"},
	payment.ErrNothingOwed:       {"amount", "has nothing to pay", "an account or bill that has something open"},
	payment.ErrPurpose:           {"purpose", "does not fit the account", "topup for a prepaid account, bill for what is owed"},
	payment.ErrTooMuch:           {"amount", "is too large", "at most what is left to refund"},
	money.ErrSyntax:              {"amount", "is no decimal number", "a decimal text such as 12.34"},
	money.ErrUnknownCurrency:     {"currency", "is unknown", "an ISO 4217 currency such as EUR"},
	money.ErrOverflow:            {"amount", "is too large", "at most 20 digits before the point"},
	money.ErrInexact:             {"amount", "is too fine", "at most nine decimals"},
	money.ErrCurrencyMismatch:    {"currency", "is another", "the account's currency"},
	calendar.ErrSyntax:           {"date", "is no date", "a date such as 2026-05-01"},
	identity.ErrEmailTaken:       {"email", "is taken", "an address that no other user has"},
	hardware.ErrSerialTaken:      {"serial", "is taken", "a serial number that no other piece of this model has"},
	hardware.ErrNameTaken:        {"name", "is taken", "a name that no other rack has"},
	hardware.ErrUnitsTaken:       {"slot", "is taken or beyond the top", "units of the rack that are free"},
	hardware.ErrPower:            {"power_w", "is more than is left", "at most what the rack has left"},
	hardware.ErrNoSpare:          {"spare", "is no spare of this model", "a piece of the same model that is a spare"},
	contract.ErrOverlap:          {"from", "is taken", "days on which no other contract of the operator is in force"},
	contract.ErrForged:           {"statements", "were not signed by this stack", "statements as the stack signed them"},
	contract.ErrBuyOut:           {"on", "is not within the lease", "a day from its first until its last instalment"},
	hardware.ErrRackUsed:         {"units", "or power is less than what stands in it", "at least what stands in the rack needs"},
	enrol.ErrHostStands:          {"replace", "is not set", "true, where the new host is to take the place of the present one"},
	tenants.ErrNameTaken:         {"name", "is taken", "a name that no other operator has"},
	usage.ErrSourceExists:        {"name", "is taken", "a name that no other source has"},
	idempotency.ErrKey:           {"Idempotency-Key", "has another length", "1 to 255 characters"},
	tenants.ErrKey:               {"Idempotency-Key", "has another length", "1 to 255 characters"},
	catalog.ErrSuperseded:        {"available_from", "is too early", "an instant after the latest published version begins"},
	catalog.ErrReferenceCode:     {"code", "has another form", "1 to 64 lower-case letters, digits, dots, dashes and underscores, a letter or digit first"},
	catalog.ErrReferenceNames:    {"names", "cannot be used", "names of at most 100 characters in en, id and ru"},
	catalog.ErrHoliday:           {"days", "hold one that is no day of a calendar", "dates of the years 2000 to 2099; yearly ones by month, day and year"},
	catalog.ErrRate:              {"rates", "hold one that cannot be used", "two currencies, a day, and a value above 0 with at most 12 decimals"},
	catalog.ErrPastDay:           {"past", "is not set", "true, to change days that are over: what was charged stays"},
	catalog.ErrDeckPast:          {"from", "is over", "an instant from now on, or past to accept that usage which comes late or is rated again goes by it"},
	promotion.ErrCode:            {"code", "can't be used", "a promo code that is valid, not used up and not for somebody else"},
	promotion.ErrTooMany:         {"code", "cannot be tried now: too many wrong ones were", "a code that you have, after the wait that Retry-After says"},
	promotion.ErrCodeForm:        {"code", "has another form", "4 to 32 letters, digits and hyphens"},
	promotion.ErrCodeTaken:       {"code", "is taken", "letters that no other promo code has"},
	promotion.ErrBatch:           {"count", "does not fit", "1 to 10,000 codes with 1 to 1,000,000 uses; letters only for a single one"},
	promotion.ErrReferral:        {"promotion.referral", "is nobody's", "the referral code of another customer"},
	promotion.ErrReferred:        {"promotion.referral", "comes too late", "a new customer, and one referrer only"},
	payment.ErrProviderAmount:    {"amount", "cannot be charged by card", "an amount that the card provider takes"},
	payment.ErrWebhookStale:      {"Stripe-Signature", "is stale", "a signature of the last 300 seconds"},
	payment.ErrWebhookSignature:  {"Stripe-Signature", "is wrong", "a signature by the endpoint's secret"},
}
