// The guide's statements, to the letter.

export const RAW_TABLE = "delta.`s3a://raw-data-bucket/financial_data_delta`";
export const DIMENSION = "delta.`s3a://curated-data-bucket/financial_transactions_dim`";

export const COUNT = "SELECT COUNT(*) FROM delta.`s3a://raw-data-bucket/financial_data_delta`;";
export const HISTORY =
  "DESCRIBE HISTORY delta.`s3a://raw-data-bucket/financial_data_delta`;";
export const COUNT_AT_VERSION_3 =
  "SELECT COUNT(*) FROM delta.`s3a://raw-data-bucket/financial_data_delta` VERSION AS OF 3;";
export const countAt = (time) =>
  `SELECT COUNT(*) FROM delta.\`s3a://raw-data-bucket/financial_data_delta\` TIMESTAMP AS OF '${time}';`;
export const FLAGGED =
  "SELECT transaction_id, amount, is_flagged FROM delta.`s3a://raw-data-bucket/financial_data_delta` LIMIT 20;";
export const RESTORE =
  "RESTORE TABLE delta.`s3a://raw-data-bucket/financial_data_delta` TO VERSION AS OF 3;";
export const ENABLE_CHANGE_FEED =
  "ALTER TABLE delta.`s3a://curated-data-bucket/financial_transactions_dim` SET TBLPROPERTIES (delta.enableChangeDataFeed = true);";
export const MERGE = `MERGE WITH SCHEMA EVOLUTION INTO delta.\`s3a://curated-data-bucket/financial_transactions_dim\` AS target
USING (SELECT *, current_timestamp() AS last_updated
       FROM VALUES ('T002','2024-05-01','A002',250.0D,'GBP','debit'), ('T004','2024-05-03','A003',150.0D,'USD','transfer'), ('T005','2024-05-03','A001',75.0D,'EUR','credit')
         AS v(transaction_id, date, account_id, amount, currency, type)) AS source
ON target.transaction_id = source.transaction_id
WHEN MATCHED THEN UPDATE SET date = source.date, account_id = source.account_id, amount = source.amount, currency = source.currency, type = source.type, last_updated = source.last_updated
WHEN NOT MATCHED THEN INSERT (transaction_id, date, account_id, amount, currency, type, last_updated)
  VALUES (source.transaction_id, source.date, source.account_id, source.amount, source.currency, source.type, source.last_updated);`;
export const CHANGES = "SELECT * FROM table_changes('financial_transactions_dim', 2);";

/** The MERGE as the guide first had it: neither side has the column `last_updated`. */
export const MERGE_OF_A_MISSING_COLUMN = `MERGE INTO delta.\`s3a://curated-data-bucket/financial_transactions_dim\` AS target
USING (SELECT * FROM VALUES ('T002','2024-05-01','A002',250.0D,'GBP','debit')
         AS v(transaction_id, date, account_id, amount, currency, type)) AS source
ON target.transaction_id = source.transaction_id
WHEN MATCHED THEN UPDATE SET amount = source.amount, last_updated = current_timestamp();`;

/** The guide's accident. */
export const OVERWRITE =
  "CREATE OR REPLACE TABLE delta.`s3a://raw-data-bucket/financial_data_delta` USING DELTA AS SELECT 'OVERWRITE-001' AS transaction_id;";

export const FIVE_HUNDRED =
  "INSERT INTO delta.`s3a://raw-data-bucket/financial_data_delta` (transaction_id, amount) VALUES ('TXN-X', 'FIVE HUNDRED');";
