using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>The definitions a pipeline had, and going back to one.</summary>
internal static class HistoryEndpoints
{
    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/pipelines/{name}/history", ListAsync).WithSummary("The definitions that were in force, newest first, without their texts")
            .WithDescription($"The last {PipelineLogLimits.Versions}, {PipelineLogLimits.Texts} characters of text at most.");
        api.MapGet("/pipelines/{name}/history/{version}", GetAsync).WithSummary("A definition that was in force, with its text");
        api.MapPost("/pipelines/{name}/rollback", RollBackAsync).RequireAuthorization(KorPolicies.Admin)
            .WithSummary("Puts an earlier definition into force as a new version; of a pipeline that was made over the API");
    }

    private static async Task<Results<Ok<IReadOnlyList<DefinitionVersion>>, ProblemHttpResult>> ListAsync(string name, IGrainFactory grains) =>
        await FindAsync(grains, name) is null ? NoPipeline(name) : TypedResults.Ok(await grains.GetGrain<IPipelineLogGrain>(name).GetVersionsAsync());

    private static async Task<Results<Ok<DefinitionVersion>, ProblemHttpResult>> GetAsync(string name, string version, IGrainFactory grains)
    {
        if (!int.TryParse(version, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number))
            return Bad("Bad version", $"'{version}' is no version; versions are 1, 2, 3.");
        if (await FindAsync(grains, name) is null) return NoPipeline(name);
        return await grains.GetGrain<IPipelineLogGrain>(name).GetVersionAsync(number) is { } found ? TypedResults.Ok(found) : NoVersion(name, number);
    }

    private static async Task<Results<Ok<DefinitionReport>, Accepted<DefinitionReport>, ProblemHttpResult>> RollBackAsync(
        string name, HostPipelineCompiler compiler, LoopWatch loops, IGrainFactory grains, HttpContext http, int? version = null)
    {
        if (version is not { } to) return Bad("Which version", "Say which with 'version'; /history lists them.");
        if (await FindAsync(grains, name) is not { } pipeline || await pipeline.GetDefinitionAsync() is not { } known) return NoPipeline(name);
        if (await grains.GetGrain<IPipelineLogGrain>(name).GetVersionAsync(to) is not { Text: { } text } found) return NoVersion(name, to);
        if (known.Origin == DefinitionOrigin.Folder)
        {
            return Conflict(
                $"Pipeline '{name}' comes from the file {Path.GetFileName(known.FileName)} in the server's folder: put the earlier text there. "
                + $"'kor history {name} --show {to}' prints it.");
        }

        http.Features.Get<AuditTrail>()?.Did($"rolled back '{name}' from version {known.Version} to the text of version {to}, {AuditTrail.Hash(text)}");
        var (definition, plan, problem) = DefinitionEndpoints.Check(text, found.File, compiler, name);
        return definition is null ? problem! : await DefinitionEndpoints.ApplyAsync(pipeline, definition, plan!, loops);
    }

    private static ProblemHttpResult NoVersion(string name, int version) => Problem(
        StatusCodes.Status404NotFound, "No such version", $"Version {version} of pipeline '{name}' is not kept; 'kor history {name}' lists those that are.");
}
