namespace KafkaOracleOrleans.Silo.Api;

/// <summary>The endpoints behind the verbs of <c>kor</c>, topic by topic.</summary>
internal static class VerbEndpoints
{
    public static void MapVerbs(this IEndpointRouteBuilder api)
    {
        StateEndpoints.Map(api);
        LifecycleEndpoints.Map(api);
        StreamEndpoints.Map(api);
        AuthoringEndpoints.Map(api);
        LookEndpoints.Map(api);
        TopicEndpoints.Map(api);
        ClusterEndpoints.Map(api);
        DefinitionEndpoints.Map(api);
        HistoryEndpoints.Map(api);
        LoggerEndpoints.Map(api);
        ProofEndpoints.Map(api);
    }
}
