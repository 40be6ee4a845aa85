using System.CommandLine;
using KafkaOracleOrleans.Silo;

// Ctrl-C and SIGTERM are the host's business: it drains and checkpoints before it ends.
return await SiloCommand.Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
