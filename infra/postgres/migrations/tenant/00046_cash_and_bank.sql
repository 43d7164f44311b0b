-- +goose Up
-- A bank's statement of one account. balance: what the statement says against its entries and the ledger.
create table bank_statement (
    id            uuid           primary key,
    account       text           not null check (account <> ''),
    reference     text           not null check (reference <> ''),
    format        text           not null check (format in ('camt.053', 'camt.054', 'delimited')),
    currency      text           not null,
    day_from      date           not null,
    day_to        date           not null check (day_to >= day_from),
    opening       numeric(29, 9),
    closing       numeric(29, 9),
    balance       jsonb          not null default '{}',
    entries       integer        not null check (entries >= 0),
    file_name     text           not null default '',
    legal_entity  uuid           not null references legal_entity (id),
    imported_by   text           not null,
    imported_at   timestamptz    not null,
    unique (account, reference)
);
create index bank_statement_imported on bank_statement (imported_at desc, id desc);

-- One movement of it; of a batch, each part. amount is above zero where money came in. ref is the bank's, or a digest of
-- the entry: once in an account. parts: what was made of it, so that it can be undone.
create table bank_entry (
    id            uuid           primary key,
    statement_id  uuid           not null references bank_statement (id),
    account       text           not null,
    no            integer        not null check (no > 0),
    ref           text           not null check (ref <> ''),
    booked_on     date           not null,
    amount        numeric(29, 9) not null check (amount <> 0),
    currency      text           not null,
    kind          text           not null check (kind in ('credit', 'debit', 'charge', 'return', 'batch', 'payout')),
    party         text           not null default '',
    party_iban    text           not null default '',
    structured    text           not null default '',
    end_to_end    text           not null default '',
    batch         text           not null default '',
    reason        text           not null default '',
    text          text           not null default '',
    state         text           not null check (state in ('unclear', 'matched', 'not_ours', 'ignored')),
    score         integer        not null default 0 check (score between 0 and 100),
    suggestions   jsonb          not null default '[]',
    parts         jsonb          not null default '[]',
    round         integer        not null default 0 check (round >= 0),
    decided_by    text           not null default '',
    decided_at    timestamptz,
    unique (account, ref),
    unique (statement_id, no),
    check ((state = 'unclear') = (decided_at is null))
);
create index bank_entry_unclear on bank_entry (booked_on, id) where state = 'unclear';
create index bank_entry_payer on bank_entry (party_iban, decided_at desc) where party_iban <> '' and state = 'matched';

-- A cashier's shift at a cash desk. expected is what should be in the drawer; a large difference waits for a second person.
create table cash_shift (
    id           uuid           primary key,
    branch       uuid           not null references branch (id),
    legal_entity uuid           not null references legal_entity (id),
    cashier      text           not null check (cashier <> ''),
    no           integer        not null check (no > 0),
    currency     text           not null,
    state        text           not null check (state in ('open', 'counted', 'closed')),
    float_amount numeric(29, 9) not null check (float_amount >= 0),
    expected     numeric(29, 9) not null check (expected >= 0),
    counted      numeric(29, 9) check (counted >= 0),
    note         text           not null default '',
    opened_at    timestamptz    not null,
    counted_at   timestamptz,
    closed_at    timestamptz,
    closed_by    text           not null default '',
    unique (branch, no),
    check ((state = 'open') = (counted is null)),
    check ((state = 'closed') = (closed_at is not null))
);
create unique index cash_shift_one_open on cash_shift (cashier) where state <> 'closed';
create index cash_shift_opened on cash_shift (opened_at desc, id desc);

-- What went into a drawer or out of it. no is the receipt's, without gaps in a branch and year.
create table cash_move (
    id         uuid           primary key,
    shift_id   uuid           not null references cash_shift (id),
    branch     uuid           not null references branch (id),
    year       integer        not null,
    no         integer        not null check (no > 0),
    kind       text           not null check (kind in ('payment', 'refund', 'to_bank', 'put_in', 'taken_out')),
    amount     numeric(29, 9) not null check (amount <> 0),
    account_id uuid           references billing_account (id),
    payment_id uuid           references payment (id),
    refund_id  uuid           references refund (id),
    note       text           not null default '',
    by_whom    text           not null check (by_whom <> ''),
    at         timestamptz    not null,
    unique (branch, year, no),
    check ((kind in ('payment', 'refund')) = (payment_id is not null)),
    check ((kind = 'refund') = (refund_id is not null))
);
create index cash_move_shift on cash_move (shift_id, no);

-- What a provider paid out to the bank, with the movements that it is made of and those of them that do not fit.
create table payout (
    id           uuid           primary key,
    provider     text           not null check (provider <> ''),
    reference    text           not null check (reference <> ''),
    currency     text           not null,
    amount       numeric(29, 9) not null,
    gross        numeric(29, 9) not null,
    fees         numeric(29, 9) not null,
    arrives_on   date           not null,
    lines        jsonb          not null,
    differences  integer        not null default 0 check (differences >= 0),
    entry_id     uuid           references bank_entry (id),
    imported_by  text           not null,
    imported_at  timestamptz    not null,
    unique (provider, reference),
    check (amount = gross - fees)
);
create index payout_arrives on payout (arrives_on desc, id desc);
create index payout_open on payout (amount) where entry_id is null;
