// What owners know of their cells, and cells of their owners, lives in Protocol.
global using KafkaOracleOrleans.Protocol.Cells;
