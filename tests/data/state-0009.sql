BEGIN TRANSACTION;
CREATE TABLE accounts (
	name VARCHAR NOT NULL, 
	event_limit INTEGER NOT NULL, 
	CONSTRAINT pk_accounts PRIMARY KEY (name)
);
INSERT INTO "accounts" VALUES('https://connect.signl4.com',150);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0009');
CREATE TABLE alerts (
	id VARCHAR NOT NULL, 
	incident_id VARCHAR NOT NULL, 
	generation INTEGER NOT NULL, 
	destination VARCHAR, 
	event_id VARCHAR, 
	phase VARCHAR NOT NULL, 
	created_at DATETIME, 
	acknowledged_at DATETIME, 
	acknowledged BOOLEAN NOT NULL, 
	acknowledged_by VARCHAR, 
	closed_at DATETIME, 
	closed_by VARCHAR, 
	looked_at DATETIME NOT NULL, 
	CONSTRAINT pk_alerts PRIMARY KEY (id), 
	CONSTRAINT ck_alerts_phase CHECK (phase IN ('open', 'acknowledged', 'closed')), 
	CONSTRAINT fk_alerts_incident_id FOREIGN KEY(incident_id) REFERENCES incidents (id), 
	CONSTRAINT fk_alerts_destination FOREIGN KEY(destination) REFERENCES destinations (name)
);
INSERT INTO "alerts" VALUES('alert-1','1',1,'default',NULL,'acknowledged',NULL,NULL,1,NULL,NULL,NULL,'2026-11-23 09:26:00.000000');
CREATE TABLE deliveries (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	incident_id VARCHAR NOT NULL, 
	destination VARCHAR NOT NULL, 
	generation INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	external_id VARCHAR NOT NULL, 
	payload JSON NOT NULL, 
	refused_payload JSON, 
	attempts INTEGER NOT NULL, 
	occurred_at DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	attempted_at DATETIME, 
	delivered_at DATETIME, 
	event_id VARCHAR, 
	last_error VARCHAR, 
	failing_since DATETIME, 
	failing_from INTEGER, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	latest_from INTEGER, 
	latest_failures INTEGER DEFAULT '0' NOT NULL, 
	own_fault BOOLEAN DEFAULT '0' NOT NULL, subject VARCHAR, held_because VARCHAR, not_taken INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT uq_deliveries_incident_id UNIQUE (incident_id, generation, kind, destination), 
	CONSTRAINT ck_deliveries_kind CHECK (kind IN ('new', 'acknowledged', 'resolved')), 
	CONSTRAINT ck_deliveries_state CHECK (state IN ('pending', 'delivered', 'superseded', 'dead')), 
	CONSTRAINT ck_deliveries_attempts CHECK (attempts >= 0), 
	CONSTRAINT ck_deliveries_delivered_at CHECK ((state = 'delivered') = (delivered_at IS NOT NULL)), 
	CONSTRAINT fk_deliveries_incident_id FOREIGN KEY(incident_id) REFERENCES incidents (id), 
	CONSTRAINT fk_deliveries_destination FOREIGN KEY(destination) REFERENCES destinations (name)
);
INSERT INTO "deliveries" VALUES(1,'1','default',1,'new','delivered','a reason','1','{"Title": "Shop front page", "X-S4-ExternalID": "1", "X-S4-Status": "new"}',NULL,1,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(2,'2','default',1,'new','pending','a reason','2','{"Title": "Shop front page", "X-S4-ExternalID": "2", "X-S4-Status": "new"}',NULL,1,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,'503','2026-11-23 09:30:00.000000',1,0,1,1,0,'{"name": "Shop front page"}','silence 1: deploy',0);
INSERT INTO "deliveries" VALUES(3,'3','default',1,'new','delivered','a reason','3','{"Title": "Shop front page", "X-S4-ExternalID": "3", "X-S4-Status": "new"}',NULL,1,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','event 3',NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(4,'3','default',1,'acknowledged','pending','a reason','3','{"Title": "Shop front page", "X-S4-ExternalID": "3", "X-S4-Status": "acknowledged"}',NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(5,'4','default',1,'new','dead','a reason','4','{"Title": "Better Stack incident"}','{"Title": "Shop front page", "X-S4-ExternalID": "4", "X-S4-Status": "new"}',2,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,'400: a field is missing','2026-11-23 09:30:00.000000',2,2,2,2,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(6,'5','default',1,'new','superseded','nobody needs it','5','{"Title": "Shop front page", "X-S4-ExternalID": "5", "X-S4-Status": "new"}',NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(7,'5','default',1,'resolved','superseded','nobody needs it','5','{"Title": "Shop front page", "X-S4-ExternalID": "5", "X-S4-Status": "resolved"}',NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(8,'8','default',1,'new','delivered','a reason','8','{"Title": "Shop front page", "X-S4-ExternalID": "8", "X-S4-Status": "new"}',NULL,1,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(9,'8','default',1,'resolved','pending','a reason','8','{"Title": "Shop front page", "X-S4-ExternalID": "8", "X-S4-Status": "resolved"}',NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(10,'8','default',2,'new','pending','a reason','8','{"Title": "Shop front page", "X-S4-ExternalID": "8", "X-S4-Status": "new"}',NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(11,'betterstack-signl4-alarm-poll','night',1,'new','delivered','an alarm of our own','betterstack-signl4-alarm-poll','{"Title": "betterstack-signl4 on host: A sentence", "Cause": "A sentence", "X-S4-SourceSystem": "betterstack-signl4", "X-S4-ExternalID": "betterstack-signl4-alarm-poll", "X-S4-Status": "new"}',NULL,1,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','event night',NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(12,'betterstack-signl4-alarm-delivery','day',1,'new','pending','an alarm of our own','betterstack-signl4-alarm-delivery','{"Title": "betterstack-signl4 on host: A sentence", "Cause": "A sentence", "X-S4-SourceSystem": "betterstack-signl4", "X-S4-ExternalID": "betterstack-signl4-alarm-delivery", "X-S4-Status": "new"}',NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
INSERT INTO "deliveries" VALUES(13,'betterstack-signl4-alarm-dead','default',1,'new','delivered','an alarm of our own','betterstack-signl4-alarm-dead','{"Title": "betterstack-signl4 on host: A sentence", "Cause": "A sentence", "X-S4-SourceSystem": "betterstack-signl4", "X-S4-ExternalID": "betterstack-signl4-alarm-dead", "X-S4-Status": "new"}',NULL,1,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,0,NULL,0,0,NULL,NULL,0);
CREATE TABLE destinations (
	name VARCHAR NOT NULL, 
	account VARCHAR, 
	hold_until DATETIME, 
	secret_refused_since DATETIME, 
	probe_at DATETIME, 
	why VARCHAR NOT NULL, 
	other_faults JSON NOT NULL, 
	payload_faults JSON NOT NULL, 
	paced_at DATETIME, 
	taken INTEGER DEFAULT '0' NOT NULL, 
	configured BOOLEAN DEFAULT '1' NOT NULL, team_id VARCHAR, event_source VARCHAR, off_duty_since DATETIME, 
	CONSTRAINT pk_destinations PRIMARY KEY (name)
);
INSERT INTO "destinations" VALUES('default','https://connect.signl4.com','2026-11-23 09:32:00.000000',NULL,NULL,'HTTP 429','[]','["2026-11-23T09:30:00+00:00"]',NULL,4,1,NULL,NULL,NULL);
INSERT INTO "destinations" VALUES('day',NULL,NULL,NULL,NULL,'','[]','[]',NULL,0,0,NULL,NULL,NULL);
INSERT INTO "destinations" VALUES('night','https://connect.signl4.com',NULL,NULL,NULL,'','[]','[]',NULL,1,1,NULL,NULL,NULL);
CREATE TABLE history (
	id INTEGER NOT NULL, 
	incident_id VARCHAR NOT NULL, 
	generation INTEGER NOT NULL, 
	delivery_id INTEGER, 
	at DATETIME NOT NULL, 
	what VARCHAR NOT NULL, 
	why VARCHAR NOT NULL, 
	seconds FLOAT, 
	CONSTRAINT pk_history PRIMARY KEY (id), 
	CONSTRAINT fk_history_incident_id FOREIGN KEY(incident_id) REFERENCES incidents (id)
);
INSERT INTO "history" VALUES(1,'1',1,1,'2026-11-23 09:30:01.000000','attempt','accepted',0.25);
INSERT INTO "history" VALUES(2,'2',1,2,'2026-11-23 09:30:02.000000','held','silence 1: deploy',NULL);
INSERT INTO "history" VALUES(3,'2',1,2,'2026-11-23 09:30:03.000000','attempt','503',0.5);
INSERT INTO "history" VALUES(4,'3',1,NULL,'2026-11-23 09:30:01.000000','routed','route 1',NULL);
CREATE TABLE incidents (
	id VARCHAR NOT NULL, 
	external_id VARCHAR NOT NULL, 
	generation INTEGER NOT NULL, 
	phase VARCHAR NOT NULL, 
	told BOOLEAN NOT NULL, 
	status VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	cause VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	started_at DATETIME, 
	acknowledged_at DATETIME, 
	resolved_at DATETIME, 
	reopened_at DATETIME, 
	gone_since DATETIME, 
	is_alarm BOOLEAN NOT NULL, 
	first_seen_at DATETIME NOT NULL, 
	changed_at DATETIME NOT NULL, 
	ended_until DATETIME, 
	old_until DATETIME, 
	doubted_at DATETIME, 
	deleted BOOLEAN DEFAULT '0' NOT NULL, 
	silent_because VARCHAR, 
	routing JSON, source VARCHAR, monitor VARCHAR, 
	CONSTRAINT pk_incidents PRIMARY KEY (id), 
	CONSTRAINT ck_incidents_phase CHECK (phase IN ('unconfirmed', 'open', 'acknowledged', 'resolved')), 
	CONSTRAINT ck_incidents_generation CHECK (generation >= 1)
);
INSERT INTO "incidents" VALUES('1','1',1,'open',1,'Started','Shop front page','Status 503','https://shop.example.com/','2026-11-23 09:25:00.000000',NULL,NULL,NULL,'2026-11-23 09:30:00.000000',0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "incidents" VALUES('2','2',1,'open',1,'Started','Shop front page','Status 503','https://shop.example.com/','2026-11-23 09:25:00.000000',NULL,NULL,NULL,NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,NULL,NULL,NULL,'monitor 2345678');
INSERT INTO "incidents" VALUES('3','3',1,'acknowledged',1,'Started','Shop front page','Status 503','https://shop.example.com/','2026-11-23 09:25:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,'2026-11-23 09:30:00.000000',0,NULL,NULL,NULL,NULL);
INSERT INTO "incidents" VALUES('4','4',1,'resolved',1,'Started','Shop front page','Status 503','https://shop.example.com/','2026-11-23 09:25:00.000000',NULL,'2026-11-23 09:30:00.000000',NULL,NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "incidents" VALUES('5','5',1,'resolved',1,'Started','Shop front page','Status 503','https://shop.example.com/','2026-11-23 09:25:00.000000',NULL,'2026-11-23 09:30:00.000000',NULL,NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "incidents" VALUES('6','6',1,'unconfirmed',0,'Started','Shop front page','Status 503','https://shop.example.com/','2026-11-23 09:25:00.000000',NULL,NULL,NULL,NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,'not confirmed yet',NULL,NULL,NULL);
INSERT INTO "incidents" VALUES('7','7',1,'resolved',0,'Started','Shop front page','Status 503','https://shop.example.com/','2026-11-23 09:25:00.000000',NULL,'2026-11-23 09:30:00.000000',NULL,NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,'over at the first start',NULL,NULL,NULL);
INSERT INTO "incidents" VALUES('8','8',2,'open',1,'Started','Shop front page','Status 503','https://shop.example.com/','2026-11-23 09:25:00.000000',NULL,NULL,'2026-11-23 09:30:00.000000',NULL,0,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "incidents" VALUES('betterstack-signl4-alarm-poll','betterstack-signl4-alarm-poll',1,'open',1,'','A sentence','','','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,1,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,NULL,'{"recipients":[{"team":"night"}]}',NULL,NULL);
INSERT INTO "incidents" VALUES('betterstack-signl4-alarm-delivery','betterstack-signl4-alarm-delivery',1,'open',1,'','A sentence','','','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,1,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,NULL,'{"recipients":[{"team":"day"}]}',NULL,NULL);
INSERT INTO "incidents" VALUES('betterstack-signl4-alarm-dead','betterstack-signl4-alarm-dead',1,'open',1,'','A sentence','','','2026-11-23 09:30:00.000000',NULL,NULL,NULL,NULL,1,'2026-11-23 09:30:00.000000','2026-11-23 09:30:00.000000',NULL,NULL,NULL,0,NULL,NULL,NULL,NULL);
CREATE TABLE monitor_changes (
	number INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	what VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	detail VARCHAR NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_monitor_changes PRIMARY KEY (number), 
	CONSTRAINT fk_monitor_changes_kind FOREIGN KEY(kind, id) REFERENCES monitors (kind, id)
);
INSERT INTO "monitor_changes" VALUES(1,'monitor','2345678','paused','2026-11-23 09:10:00.000000','','2026-11-23 09:11:00.000000');
CREATE TABLE monitor_looks (
	id INTEGER NOT NULL, 
	monitor_read_at DATETIME, 
	heartbeat_read_at DATETIME, 
	last_error VARCHAR, 
	failing_since DATETIME, 
	CONSTRAINT pk_monitor_looks PRIMARY KEY (id), 
	CONSTRAINT ck_monitor_looks_single CHECK (id = 1)
);
INSERT INTO "monitor_looks" VALUES(1,'2026-11-23 09:30:00.000000',NULL,NULL,NULL);
CREATE TABLE monitors (
	kind VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	team_name VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	status_since DATETIME NOT NULL, 
	created_at DATETIME, 
	updated_at DATETIME, 
	configuration JSON NOT NULL, 
	gone_since DATETIME, 
	deleted_at DATETIME, 
	first_seen_at DATETIME, 
	CONSTRAINT pk_monitors PRIMARY KEY (kind, id), 
	CONSTRAINT ck_monitors_kind CHECK (kind IN ('monitor', 'heartbeat'))
);
INSERT INTO "monitors" VALUES('monitor','2345678','Shop front page','https://shop.example.com/','','paused','2026-11-23 09:10:00.000000','2026-01-05 08:00:00.000000','2026-11-23 09:10:00.000000','{"paused": true}',NULL,NULL,NULL);
CREATE TABLE page_proofs (
	delivery_id INTEGER NOT NULL, 
	incident_id VARCHAR NOT NULL, 
	generation INTEGER NOT NULL, 
	asked INTEGER NOT NULL, 
	due_at DATETIME NOT NULL, 
	verdict VARCHAR, 
	why VARCHAR NOT NULL, 
	CONSTRAINT pk_page_proofs PRIMARY KEY (delivery_id), 
	CONSTRAINT ck_page_proofs_verdict CHECK (verdict IN ('paged', 'not paged', 'unknown')), 
	CONSTRAINT fk_page_proofs_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id), 
	CONSTRAINT fk_page_proofs_incident_id FOREIGN KEY(incident_id) REFERENCES incidents (id)
);
INSERT INTO "page_proofs" VALUES(1,'1',1,2,'2026-11-23 09:26:00.000000','paged','');
CREATE TABLE progress (
	id INTEGER NOT NULL, 
	last_complete_round_at DATETIME, 
	last_round_error VARCHAR, 
	token_suspect_since DATETIME, 
	failing_since DATETIME, 
	refused_rounds INTEGER DEFAULT '0' NOT NULL, 
	token_fingerprint VARCHAR, 
	token_changed_at DATETIME, 
	listed_records INTEGER DEFAULT '0' NOT NULL, 
	unreadable_records INTEGER DEFAULT '0' NOT NULL, 
	ahead_seconds FLOAT, 
	duty VARCHAR, 
	CONSTRAINT pk_progress PRIMARY KEY (id), 
	CONSTRAINT ck_progress_single CHECK (id = 1)
);
INSERT INTO "progress" VALUES(1,'2026-11-23 09:20:00.000000',NULL,NULL,NULL,0,'0123456789abcdef',NULL,3,0,0.5,'run');
CREATE TABLE silences (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	"match" JSON NOT NULL, 
	starts_at DATETIME NOT NULL, 
	ends_at DATETIME NOT NULL, 
	comment VARCHAR NOT NULL, 
	created_by VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	expired_at DATETIME, 
	CONSTRAINT ck_silences_ends_at CHECK (ends_at > starts_at)
);
INSERT INTO "silences" VALUES(1,'{"name": "Shop*"}','2026-11-23 09:30:00.000000','2026-11-23 11:30:00.000000','deploy','ann','2026-11-23 09:30:00.000000',NULL);
CREATE TABLE two_way (
	id INTEGER NOT NULL, 
	read_until DATETIME, 
	last_look_at DATETIME, 
	last_error VARCHAR, 
	failing_since DATETIME, 
	key_refused_since DATETIME, 
	duty_looked_at DATETIME, 
	reconciled_at DATETIME, 
	drift JSON NOT NULL, 
	CONSTRAINT pk_two_way PRIMARY KEY (id), 
	CONSTRAINT ck_two_way_single CHECK (id = 1)
);
INSERT INTO "two_way" VALUES(1,'2026-11-23 09:26:00.000000','2026-11-23 09:26:00.000000',NULL,NULL,NULL,NULL,NULL,'[]');
CREATE TABLE unreadable (
	id VARCHAR NOT NULL, 
	since DATETIME NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at DATETIME NOT NULL, 
	why VARCHAR NOT NULL, 
	CONSTRAINT pk_unreadable PRIMARY KEY (id)
);
INSERT INTO "unreadable" VALUES('9','2026-11-23 09:30:00.000000',2,'2026-11-23 09:31:00.000000','no started_at');
CREATE INDEX ix_incidents_doubted ON incidents (id) WHERE doubted_at IS NOT NULL;
CREATE INDEX ix_incidents_gone ON incidents (id) WHERE gone_since IS NOT NULL;
CREATE INDEX ix_incidents_open ON incidents (id) WHERE phase <> 'resolved';
CREATE INDEX ix_incidents_changed ON incidents (changed_at, id);
CREATE INDEX ix_deliveries_pending ON deliveries (incident_id, id) WHERE state = 'pending';
CREATE INDEX ix_deliveries_failing ON deliveries (destination, latest_from) WHERE state = 'pending' AND failing_since IS NOT NULL;
CREATE INDEX ix_deliveries_attempted ON deliveries (attempted_at) WHERE attempted_at IS NOT NULL;
CREATE INDEX ix_deliveries_dead ON deliveries (incident_id, id) WHERE state = 'dead';
CREATE INDEX ix_incidents_source ON incidents (source) WHERE source IS NOT NULL;
CREATE INDEX ix_silences_ends_at ON silences (ends_at);
CREATE INDEX ix_history_incident_id ON history (incident_id);
CREATE INDEX ix_alerts_incident_id ON alerts (incident_id);
CREATE INDEX ix_page_proofs_due_at ON page_proofs (due_at) WHERE verdict IS NULL;
CREATE INDEX ix_page_proofs_incident_id ON page_proofs (incident_id);
CREATE INDEX ix_page_proofs_unpaged ON page_proofs (incident_id) WHERE verdict = 'not paged';
CREATE INDEX ix_monitor_changes_kind ON monitor_changes (kind, id, at);
CREATE INDEX ix_monitor_changes_seen_at ON monitor_changes (seen_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('deliveries',13);
INSERT INTO "sqlite_sequence" VALUES('silences',1);
COMMIT;
