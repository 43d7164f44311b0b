-- +goose Up
-- A version of a promotion. The document is immutable once published. given and promised
-- count what its limits bound; the row is moved with the gift, in one transaction.
create table promotion (
    id           uuid           primary key,
    code         text           not null check (code <> ''),
    version      integer        not null check (version > 0),
    state        text           not null check (state in ('draft', 'published', 'ended')),
    occasion     text           not null check (occasion in ('activation', 'cycle', 'birthday', 'loyalty', 'top_up', 'code', 'referral')),
    document     jsonb          not null,
    currency     text           not null check (currency ~ '^[A-Z]{3}$'),
    given        bigint         not null default 0 check (given >= 0),
    promised     numeric(29, 9) not null default 0 check (promised >= 0),
    created_at   timestamptz    not null,
    published_at timestamptz,
    ended_at     timestamptz,
    unique (code, version),
    check ((state = 'draft') = (published_at is null)),
    check ((state = 'ended') = (ended_at is not null))
);
create unique index promotion_one_draft on promotion (code) where state = 'draft';
create unique index promotion_one_published on promotion (code) where state = 'published';
create index promotion_occasion on promotion (occasion) where state = 'published';

-- What somebody types to get a promotion. Written in capitals. account_id: only for this one.
create table promo_code (
    id           uuid        primary key,
    promotion_id uuid        not null references promotion (id),
    code         text        not null unique check (code ~ '^[A-Z0-9][A-Z0-9-]{3,31}$'),
    uses_left    integer     not null check (uses_left >= 0),
    used         integer     not null default 0 check (used >= 0),
    account_id   uuid        references billing_account (id) on delete cascade,
    expires_at   timestamptz,
    blocked      boolean     not null default false,
    created_by   text        not null,
    created_at   timestamptz not null
);
create index promo_code_promotion on promo_code (promotion_id, id);
create index promo_code_account on promo_code (account_id) where account_id is not null;

-- What was given to whom. occasion_key names the occasion, so that it gives once. A gift
-- that holds while it is deserved ends when it is not.
create table promotion_gift (
    id              uuid           primary key,
    promotion_id    uuid           not null references promotion (id),
    account_id      uuid           not null references billing_account (id) on delete cascade,
    subscription_id uuid           references subscription (id) on delete cascade,
    occasion_key    text           not null check (occasion_key <> ''),
    code_id         uuid           references promo_code (id),
    promised        numeric(29, 9) not null check (promised >= 0),
    discount_id     uuid           references subscription_discount (id) on delete set null,
    bucket_id       uuid           references bucket (id) on delete set null,
    given_at        timestamptz    not null,
    ended_at        timestamptz,
    unique (promotion_id, account_id, occasion_key)
);
create index promotion_gift_account on promotion_gift (account_id, given_at desc);
create index promotion_gift_subscription on promotion_gift (subscription_id) where subscription_id is not null;
create index promotion_gift_promotion on promotion_gift (promotion_id, given_at desc);
create index promotion_gift_code on promotion_gift (code_id) where code_id is not null;
create index promotion_gift_discount on promotion_gift (discount_id) where discount_id is not null;
create index promotion_gift_bucket on promotion_gift (bucket_id) where bucket_id is not null;

-- Who was sent by whom: one referrer a new account. The code is the referrer's own.
create table referral (
    account_id  uuid        primary key references billing_account (id) on delete cascade,
    referrer_id uuid        not null references billing_account (id) on delete cascade,
    at          timestamptz not null,
    check (account_id <> referrer_id)
);
create index referral_referrer on referral (referrer_id, at desc);

create table referral_code (
    account_id uuid        primary key references billing_account (id) on delete cascade,
    code       text        not null unique check (code ~ '^[A-Z0-9]{6,12}$'),
    created_at timestamptz not null
);

-- Discounts are taken off in this order, then the oldest first.
alter table subscription_discount add column stacking integer not null default 0 check (stacking >= 0);
-- The cycle that begins on this day has been looked at for promotions.
alter table billing_account add column promoted_through date;
