"""What somebody may do to a store beside custcrm, as SQL for both engines, and the check that names it.

Each statement changes the store of `scenario.live`. `{early}` is an instant before anything happened.
"""

from typing import Final

from attrs import frozen

EARLY: Final = "(SELECT created_at FROM custcrm_programs WHERE name = 'club')"
FIRST: Final = "(SELECT min(id) FROM custcrm_customers)"


LATER: Final = "(SELECT max(expires_at) FROM custcrm_points_entries)"


@frozen
class Corruption:
    """Statements that break a promise, the check that finds it, and the table that is named."""

    name: str
    check: str
    table: str
    statements: tuple[str, ...]


def _corruption(name: str, check: str, table: str, *statements: str) -> Corruption:
    return Corruption(name, check, table, tuple(each.format(early=EARLY, first=FIRST, later=LATER) for each in statements))


CORRUPTIONS: Final = (
    # counters
    _corruption("a series counts one more", "series", "coupon_series",
                "UPDATE custcrm_coupon_series SET issued = issued + 1 WHERE name = 'welcome'"),
    _corruption("a coupon is gone", "series", "coupon_series",
                "DELETE FROM custcrm_coupons WHERE id = (SELECT max(id) FROM custcrm_coupons WHERE series = 'welcome')"),
    _corruption("a free code is gone", "series", "coupon_series",
                "DELETE FROM custcrm_free_codes WHERE code = (SELECT max(code) FROM custcrm_free_codes"
                " WHERE taken_at IS NULL AND revoked_at IS NULL)"),
    _corruption("more are issued than there are", "series", "coupon_series",
                "UPDATE custcrm_coupon_series SET capacity = 1 WHERE name = 'welcome'"),
    _corruption("a budget counts less", "budgets", "series_budgets", "UPDATE custcrm_series_budgets SET spent = spent + 7"),
    _corruption("a discount was changed", "budgets", "series_budgets",
                "UPDATE custcrm_redemptions SET restored_at = NULL WHERE series = 'welcome'"),
    # coupons and codes
    _corruption("used before it was issued", "coupons", "coupons", "UPDATE custcrm_redemptions SET redeemed_at = {early}"),
    _corruption("used before it was valid", "coupons", "coupons",
                "UPDATE custcrm_coupons SET valid_from = expires_at WHERE expires_at IS NOT NULL"),
    _corruption("revoked before it was issued", "coupons", "coupons",
                "UPDATE custcrm_coupons SET revoked_at = {early} WHERE revoked_at IS NOT NULL"),
    _corruption("a discount below nothing", "coupons", "coupons",
                "UPDATE custcrm_redemptions SET discount = -1 WHERE discount IS NOT NULL"),
    _corruption("a coupon numbered before the first", "coupons", "coupons",
                "UPDATE custcrm_coupons SET ordinal = -ordinal WHERE ordinal IS NOT NULL"),
    _corruption("a number of a series without a limit", "coupons", "coupons",
                "UPDATE custcrm_coupons SET ordinal = 1 WHERE series = 'flyer'"),
    _corruption("more than a customer may have", "coupons", "coupons",
                "UPDATE custcrm_coupon_series SET per_customer = 1 WHERE name = 'welcome'"),
    _corruption("reserved for nothing", "coupons", "coupons",
                "UPDATE custcrm_coupons SET reserved_for = NULL WHERE reserved_for IS NOT NULL"),
    _corruption("a guest known by an email", "coupons", "guest_redemptions",
                "UPDATE custcrm_guest_redemptions SET identity = 'guest@example.org' WHERE code = 'AUTUMN26'"),
    _corruption("a taken code is nobody's", "codes", "free_codes",
                "UPDATE custcrm_free_codes SET taken_at = NULL WHERE taken_at IS NOT NULL"),
    _corruption("a shared code is a coupon's", "codes", "coupon_series",
                "UPDATE custcrm_coupons SET code = 'AUTUMN26' WHERE id = (SELECT max(id) FROM custcrm_coupons"
                " WHERE series = 'welcome')"),
    _corruption("a guest used a code that is not there", "codes", "guest_redemptions",
                "UPDATE custcrm_guest_redemptions SET code = 'NOWHERE' WHERE code = 'AUTUMN26'"),
    # points
    _corruption("a lot was never brought", "points", "points_entries",
                "DELETE FROM custcrm_points_entries WHERE kind = 'credit' AND rule IS NULL AND customer_id = {first}"),
    _corruption("a lot is overdrawn", "points", "points_entries",
                "UPDATE custcrm_points_entries SET delta = delta - 1000 WHERE kind = 'spend' AND customer_id = {first}"),
    _corruption("entries of a lot disagree", "points", "points_entries",
                "UPDATE custcrm_points_entries SET expires_at = NULL WHERE kind = 'credit' AND expires_at IS NOT NULL"),
    _corruption("a lot is spent before it is valid", "points", "points_entries",
                "UPDATE custcrm_points_entries SET valid_from = {later} WHERE lot_id IN"
                " (SELECT lot_id FROM custcrm_points_entries WHERE kind = 'spend')"),
    _corruption("a validity that cannot be read", "terms", "earning_rules",
                "UPDATE custcrm_earning_rules SET valid_from = 'soon' WHERE factor IS NULL"),
    _corruption("a keep that cannot be read", "terms", "categories", "UPDATE custcrm_categories SET keep = 'for ever'"),
    _corruption("a tier that is kept longer than its last change says", "memberships", "memberships",
                "UPDATE custcrm_memberships SET kept_until = {later} WHERE customer_id = {first}"),
    _corruption("a spend that brings points", "points", "points_entries",
                "UPDATE custcrm_points_entries SET delta = -delta WHERE kind = 'spend'"),
    _corruption("a reversal of more than was spent", "points", "points_entries",
                "UPDATE custcrm_points_entries SET delta = 500 WHERE kind = 'reverse' AND delta > 0"),
    _corruption("a kind that there is not", "rows", "points_entries",
                "UPDATE custcrm_points_entries SET kind = 'gift' WHERE kind = 'adjust'"),
    _corruption("a credit under a key is gone", "keys", "applied",
                "DELETE FROM custcrm_points_entries WHERE applied_id = (SELECT id FROM custcrm_applied WHERE key = 'a gift')"),
    # accounts
    _corruption("a payment is gone", "accounts", "customer_accounts",
                "DELETE FROM custcrm_account_entries WHERE kind = 'replenish' AND customer_id = {first}"),
    _corruption("an entry of another kind", "accounts", "account_entries",
                "UPDATE custcrm_account_entries SET units = 3, amount = NULL, amount_currency = NULL WHERE kind = 'reverse'"),
    _corruption("an account that was not opened", "accounts", "account_entries",
                "DELETE FROM custcrm_customer_accounts WHERE account = 'stamps'"),
    _corruption("more came back than was paid", "accounts", "account_entries",
                "UPDATE custcrm_account_entries SET amount = 99900 WHERE kind = 'reverse'"),
    _corruption("a payment that takes", "accounts", "account_entries",
                "UPDATE custcrm_account_entries SET amount = -amount WHERE kind = 'replenish' AND amount IS NOT NULL"),
    _corruption("an entry of no kind", "rows", "account_entries",
                "UPDATE custcrm_account_entries SET kind = 'gift' WHERE kind = 'spend'"),
    _corruption("a reversal of nothing", "accounts", "account_entries",
                "UPDATE custcrm_account_entries SET reverses = NULL WHERE kind = 'reverse'"),
    # sales
    _corruption("a line is gone", "sales", "sale_lines", "DELETE FROM custcrm_sale_lines WHERE number = 1"),
    _corruption("refunds of more than the sale", "sales", "sales",
                "UPDATE custcrm_sales SET total = -9900 WHERE kind = 'refund'"),
    _corruption("a refund before its sale", "sales", "sales",
                "UPDATE custcrm_sales SET occurred_at = {early} WHERE kind = 'refund'"),
    _corruption("a refund of nothing", "references", "sales",
                "UPDATE custcrm_sales SET refund_of = 'nowhere' WHERE refund_of IS NOT NULL"),
    _corruption("lines of no sale", "references", "sale_lines", "UPDATE custcrm_sale_lines SET sale_id = 'nowhere'"
                " WHERE sale_id = (SELECT max(id) FROM custcrm_sales WHERE kind = 'sale')"),
    _corruption("points by no rule", "references", "points_entries",
                "UPDATE custcrm_points_entries SET rule = 'nowhere' WHERE rule IS NOT NULL"),
    _corruption("points taken back of nothing", "points", "points_entries",
                "UPDATE custcrm_points_entries SET reverses = NULL WHERE kind = 'reverse'"),
    _corruption("a spend lacks points", "points", "points_entries",
                "UPDATE custcrm_points_entries SET shortfall = 5 WHERE kind = 'spend'"),
    _corruption("points of no sale", "references", "points_entries",
                "UPDATE custcrm_points_entries SET sale_id = 'nowhere' WHERE sale_id IS NOT NULL"),
    # people
    _corruption("a copy without case is another's", "folded", "customers",
                "UPDATE custcrm_customers SET email_folded = 'x' WHERE id = {first}"),
    _corruption("a tag has another's folds", "folded", "tags",
                "UPDATE custcrm_tags SET value_folds = '[\"x\",\"x\",\"x\"]' WHERE key = 'size'"),
    _corruption("a till was renamed by hand", "folded", "points_entries",
                "UPDATE custcrm_points_entries SET terminal = 'Töölö' WHERE kind = 'credit'"),
    _corruption("a name was changed by hand", "folded", "customers",
                "UPDATE custcrm_customers SET first_name = 'Anna' WHERE id = {first}"),
    _corruption("a phone as people type it", "contacts", "customers",
                "UPDATE custcrm_customers SET phone = '040 123' WHERE id = {first}"),
    _corruption("a blank receipt", "identifiers", "sales",
                "UPDATE custcrm_sales SET external_id = ' '"
                " WHERE id = (SELECT max(id) FROM custcrm_sales WHERE kind = 'sale')"),
    _corruption("an answer to no question", "rows", "consents", "UPDATE custcrm_consents SET purpose = 'gossip'"),
    _corruption("a blank reference", "identifiers", "redemptions", "UPDATE custcrm_redemptions SET reference = ' '"),
    _corruption("a tag with blanks round it", "identifiers", "tags",
                "UPDATE custcrm_tags SET key = ' size ' WHERE key = 'size'"),
    _corruption("an email that is another's too", "unique", "contact_points", "INSERT INTO custcrm_contact_points"
                " (customer_id, id, kind, value, as_typed, purpose, recorded_at)"
                " SELECT customer_id, 'zz', 'email', 'N5@example.org', 'N5@example.org', 'general', recorded_at"
                " FROM custcrm_contact_points"),
    _corruption("a country that there is not", "contacts", "customers",
                "UPDATE custcrm_customers SET country = 'Suomi' WHERE id = {first}"),
    _corruption("a time zone that there is not", "contacts", "customers",
                "UPDATE custcrm_customers SET time_zone = 'Mars' WHERE id = {first}"),
    _corruption("two open tags", "tags", "tags", "DROP INDEX custcrm_uq_tags_customer_id_key",
                "UPDATE custcrm_tags SET until = NULL WHERE key = 'size'"),
    _corruption("two tags at one instant", "tags", "tags",
                "UPDATE custcrm_tags SET since = {early} WHERE key = 'size' AND until IS NULL"),
    _corruption("two open answers", "consents", "consents", "DROP INDEX custcrm_uq_consents_customer_id_channel_purpose",
                "UPDATE custcrm_consents SET until = NULL"),
    _corruption("access without a change", "memberships", "memberships",
                "UPDATE custcrm_memberships SET access = 'blacklisted' WHERE customer_id = {first}"),
    _corruption("a category that there is not", "memberships", "memberships",
                "UPDATE custcrm_memberships SET category = 'Silver' WHERE customer_id = {first}"),
    _corruption("a category of before that there never was", "memberships", "membership_changes",
                "UPDATE custcrm_membership_changes SET category = 'Silver' WHERE change = 'joined'"),
    _corruption("no history of a membership", "memberships", "memberships",
                "DELETE FROM custcrm_membership_changes WHERE customer_id = {first}"),
    # references, values, rows
    _corruption("facts about nobody", "references", "tags", "DELETE FROM custcrm_customers WHERE id = {first}"),
    _corruption("a program that is gone", "references", "memberships", "DELETE FROM custcrm_programs"),
    _corruption("a point of sale that is gone", "references", "terminals", "DELETE FROM custcrm_points_of_sale"),
    _corruption("another currency", "currency", "sales",
                "UPDATE custcrm_sales SET total_currency = 'SEK' WHERE kind = 'refund'"),
    _corruption("a currency that there is not", "rows", "sales",
                "UPDATE custcrm_sales SET total_currency = 'Euros' WHERE kind = 'refund'"),
    _corruption("a budget in another currency", "currency", "series_budgets",
                "UPDATE custcrm_series_budgets SET currency = 'SEK'"),
    _corruption("a birthday is found by another day", "rows", "customers",
                "UPDATE custcrm_customers SET birth_date_month_day = 1231 WHERE id = {first} OR birth_date IS NOT NULL"),
    _corruption("a word that there is not", "rows", "memberships",
                "UPDATE custcrm_memberships SET access = 'everything' WHERE customer_id = {first}"),
    _corruption("an amount in no currency", "rows", "account_entries",
                "UPDATE custcrm_account_entries SET amount_currency = NULL WHERE amount IS NOT NULL"),
    _corruption("no JSON", "rows", "applied", "UPDATE custcrm_applied SET arguments = '{{' WHERE key = 'credit'"),
    # channels, words and places
    _corruption("an opt-out by a channel that there is not", "channels", "consents",
                "UPDATE custcrm_consents SET channel = 'smsx'"),
    _corruption("told by no channel", "channels", "programs", "UPDATE custcrm_programs SET notifications = 'bogus'"),
    _corruption("sent by no channel", "channels", "messages",
                "UPDATE custcrm_messages SET channel = 'smsx' WHERE status = 'sent'"),
    _corruption("opened on no surface", "channels", "openings", "UPDATE custcrm_openings SET surface = 'wall'"),
    _corruption("an activity of no kind", "rows", "activities", "UPDATE custcrm_activities SET kind = 'bogus'"),
    _corruption("a visit to no place", "references", "activities",
                "UPDATE custcrm_activities SET point_of_sale = 'nowhere' WHERE kind = 'visit'"),
    _corruption("an activity of no program", "references", "activities", "UPDATE custcrm_activities SET program = 'nowhere'"),
    _corruption("points at no till", "references", "points_entries", "UPDATE custcrm_points_entries SET terminal = 'nowhere'"),
    _corruption("points at no place", "references", "points_entries",
                "UPDATE custcrm_points_entries SET point_of_sale = 'nowhere'"),
    _corruption("money at no till", "references", "account_entries",
                "UPDATE custcrm_account_entries SET terminal = 'nowhere'"),
    _corruption("used at no till", "references", "redemptions", "UPDATE custcrm_redemptions SET terminal = 'nowhere'"),
    _corruption("a guest at no till", "references", "guest_redemptions",
                "UPDATE custcrm_guest_redemptions SET terminal = 'nowhere'"),
    _corruption("a change of nothing", "rows", "membership_changes", "UPDATE custcrm_membership_changes SET change = 'gift'"),
    _corruption("written for no purpose", "rows", "messages", "UPDATE custcrm_messages SET purpose = 'gossip'"),
    _corruption("a file of nothing", "rows", "imports", "UPDATE custcrm_imports SET kind = 'gifts'"),
    _corruption("a series of no kind", "rows", "coupon_series", "UPDATE custcrm_coupon_series SET kind = 'gift'"),
    _corruption("a store in no country", "terms", "settings",
                "UPDATE custcrm_settings SET value = 'Suomi' WHERE name = 'country'"),
    # messages, keys, terms
    _corruption("planned, and sent", "messages", "messages",
                "UPDATE custcrm_messages SET sent_at = {early}, status = 'planned'"),
    _corruption("sent at no time", "messages", "messages", "UPDATE custcrm_messages SET sent_at = NULL WHERE status = 'sent'"),
    _corruption("failed, and sent", "messages", "messages",
                "UPDATE custcrm_messages SET status = 'failed' WHERE status = 'sent'"),
    _corruption("done twice to one", "targets", "targets", "INSERT INTO custcrm_tags"
                " (customer_id, id, key, value, since, until, actor, source, applied_id)"
                " SELECT customer_id, 'zz', 'twice', value, since, since, actor, source, applied_id"
                " FROM custcrm_tags WHERE key = 'autumn' AND customer_id = {first}"),
    _corruption("guests are known to nobody", "terms", "settings", "DELETE FROM custcrm_settings WHERE name = 'guest_key'"),
    _corruption("points for less than nothing", "terms", "earning_rules", "UPDATE custcrm_earning_rules SET points = -5"),
    _corruption("a limit below nothing", "terms", "accounts",
                "UPDATE custcrm_accounts SET credit_units = -50 WHERE name = 'stamps'"),
    _corruption("claimed, and started at no time", "messages", "messages", "UPDATE custcrm_messages SET started_at = NULL"),
    _corruption("an import of fewer rows", "keys", "imports", "UPDATE custcrm_imports SET counts = '{{\"added\":1}}'"),
    _corruption("a file was never taken in", "keys", "applied", "DELETE FROM custcrm_imports"),
    _corruption("an import of another file", "keys", "imports", "UPDATE custcrm_imports SET content = 'x'"),
    _corruption("sent by nobody", "references", "messages", "DELETE FROM custcrm_senders"),
    _corruption("opened, and not there", "references", "openings", "UPDATE custcrm_openings SET subject = 'nowhere'"),
    _corruption("more is done than there was", "keys", "applied",
                "UPDATE custcrm_applied SET done = eligible + 1 WHERE key = 'credit'"),
    _corruption("content that is no hash", "keys", "applied", "UPDATE custcrm_applied SET content = 'x' WHERE key = 'credit'"),
    _corruption("a target out of its numbers", "targets", "targets",
                "UPDATE custcrm_targets SET number = 999 WHERE number = 2"),
    _corruption("a target that was refused, and has it", "targets", "targets",
                "UPDATE custcrm_targets SET reason = 'inactive' WHERE number = 2"),
    _corruption("records of no target", "targets", "points_entries", "DELETE FROM custcrm_targets WHERE number = 1"),
    _corruption("a target without its record", "targets", "targets", "DELETE FROM custcrm_tags WHERE key = 'autumn'"),
    _corruption("targets of nothing", "references", "targets", "UPDATE custcrm_targets SET applied_id = 'nowhere'"
                " WHERE number = 1 AND applied_id = (SELECT id FROM custcrm_applied WHERE key = 'untag')"),
    _corruption("a segment that cannot be read", "filters", "segments", "UPDATE custcrm_segments SET filter = 'sales >'"),
    _corruption("a tier that cannot be read", "filters", "categories",
                "UPDATE custcrm_categories SET filter = 'no_field = 1' WHERE filter IS NOT NULL"),
    _corruption("a multiplier that cannot be read", "terms", "earning_rules",
                "UPDATE custcrm_earning_rules SET factor = 'twice' WHERE factor IS NOT NULL"),
    _corruption("a span that cannot be read", "terms", "programs", "UPDATE custcrm_programs SET reversal_grace = 'soon'"),
    _corruption("a benefit that cannot be read", "terms", "coupon_series",
                "UPDATE custcrm_coupon_series SET benefit = '{{\"kind\":\"percent\"}}' WHERE name = 'welcome'"),
    _corruption("a key of hashes that is none", "terms", "settings",
                "UPDATE custcrm_settings SET value = 'x' WHERE name = 'guest_key'"),
    # the tables
    _corruption("an index is gone", "schema", "customers", "DROP INDEX custcrm_ix_customers_phone"),
    _corruption("an index that holds apart less", "schema", "tags", "DROP INDEX custcrm_uq_tags_customer_id_key",
                "CREATE UNIQUE INDEX custcrm_uq_tags_customer_id_key ON custcrm_tags (customer_id, key)"
                " WHERE until IS NULL AND key <> 'size'"),
    _corruption("an index more", "schema", "sales", "CREATE INDEX mine ON custcrm_sales (units)"),
    _corruption("a column more", "schema", "customers", "ALTER TABLE custcrm_customers ADD COLUMN mine TEXT"),
    _corruption("a column is gone", "schema", "customers", "ALTER TABLE custcrm_customers DROP COLUMN twitter_id"),
    _corruption("a table is gone", "schema", "tasks", "DROP TABLE custcrm_tasks"),
    _corruption("an email twice", "unique", "customers", "DROP INDEX custcrm_uq_customers_email",
                "UPDATE custcrm_customers SET email = 'N1@example.org', email_folded = 'n1@example.org' WHERE id = {first}"),
)
