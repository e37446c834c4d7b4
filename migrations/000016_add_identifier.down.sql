DROP TABLE strategy_decision_source;
DROP TABLE funding_call_source;
DROP TABLE former_slug;
DROP TABLE identifier;
