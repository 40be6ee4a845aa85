using System.CommandLine;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo;

/// <summary><c>config check</c> and <c>config show</c>: the host's configuration, without starting anything.</summary>
internal static class ConfigCommands
{
    public static Command Create(Func<Func<Task<int>>, Task<int>> guard)
    {
        var check = new Command("check", "Says what is wrong with the configuration, every fault at once; exit code 78 when there is one.");
        check.SetAction((_, _) => guard(() =>
        {
            var (options, _) = HostConfiguration.Read();
            if (HostConfiguration.Faults(options) is { Count: > 0 } faults) throw new KorConfigurationException(faults);
            Console.WriteLine("The configuration can work. 'doctor' tries every connection in it.");
            return Task.FromResult(0);
        }));
        var json = new Option<bool>("--json") { Description = "As JSON." };
        var show = new Command("show", "Shows the configuration in force, without secrets, and where each value comes from.") { json };
        show.SetAction((result, _) => guard(() =>
        {
            var (options, configuration) = HostConfiguration.Read();
            var items = ConfigurationView.Of(options, configuration);
            if (result.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(items, JsonSerializerOptions.Web));
            else foreach (var item in items) Console.WriteLine($"{item.Key} = {item.Value ?? "(not set)"}  [{item.Origin}]");
            var faults = HostConfiguration.Faults(options);
            return faults.Count == 0 ? Task.FromResult(0) : throw new KorConfigurationException(faults);
        }));
        return new Command("config", "Checks or shows the host's configuration, without starting anything.") { check, show };
    }
}
