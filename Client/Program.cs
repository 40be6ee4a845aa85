using KafkaOracleOrleans.Client.Cli;

return await KorCommand.RunAsync(args, CliHost.Process());
