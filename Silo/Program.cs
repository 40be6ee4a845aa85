using System.CommandLine;
using System.Globalization;
using KafkaOracleOrleans.Silo;

// A build with Oracle's driver has cultures, and the driver's sessions take theirs from here: the same on every machine, whatever its LANG.
if (!AppContext.TryGetSwitch("System.Globalization.Invariant", out var invariant) || !invariant)
    CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("en-US");

// Ctrl-C and SIGTERM are the host's business: it drains and checkpoints before it ends.
return await SiloCommand.Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
