package org.luthier.checkpoint;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JacksonException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * How the tensor names of one kind of checkpoint become the canonical names of a model family: data, not code.
 *
 * <p>A JSON resource: {@code format} is {@code "luthier-names/1"}; {@code recognisedBy} lists patterns that each must match a tensor
 * of the checkpoint; {@code rules} is a list in which the first rule whose {@code match} fits a name decides. A rule has either
 * {@code drop}, the reason why the tensor is left out, or {@code to} (the canonical name; absent: the same name), {@code transform}
 * (a list of {@code "transpose 1 0"}, {@code "reshape 8 64"}, {@code "squeeze"}, done in this order; absent: copy), {@code shape} (what
 * must come out; absent: any) and {@code optional} (whether the tensor may be missing). In patterns {@code *} is any text without
 * {@code .} and {@code /}, {@code **} any text; {@code to} repeats what they stood for as <code>{1}</code>, <code>{2}</code>.
 *
 * <p>Every tensor is accounted for: one that no rule matches, a rule that matches none, a shape that does not fit and two tensors for
 * one canonical name are errors.
 */
public final class NameRules {
    private static final String FORMAT = "luthier-names/1";

    private final String source;
    private final List<NamePattern> recognisedBy;
    private final List<Rule> rules;

    /** A rule, read and checked. */
    record Rule(NamePattern match, String to, Transform transform, List<Long> shape, String drop, boolean optional) {}

    /** The JSON as it is written. */
    private record Document(
            @JsonProperty(required = true) String format,
            @JsonProperty(required = true) List<String> recognisedBy,
            @JsonProperty(required = true) List<RuleText> rules) {}

    private record RuleText(
            @JsonProperty(required = true) String match,
            String to,
            List<String> transform,
            List<Long> shape,
            String drop,
            boolean optional) {}

    private NameRules(String source, Document document) {
        this.source = source;
        if (!FORMAT.equals(document.format())) {
            throw broken("expected the format " + FORMAT + ", got " + document.format());
        }
        if (document.recognisedBy() == null || document.recognisedBy().isEmpty() || document.rules() == null) {
            throw broken("recognisedBy and rules must not be empty");
        }
        recognisedBy = document.recognisedBy().stream().map(NamePattern::new).toList();
        rules = document.rules().stream().map(this::rule).toList();
    }

    /**
     * Reads rules.
     *
     * @throws LuthierException if the resource cannot be read or is no such file: a defect of the bundle that it comes from
     */
    public static NameRules read(URL resource) {
        try {
            URLConnection connection = resource.openConnection();
            // A cached jar would stay open after its bundle is gone.
            connection.setUseCaches(false);
            try (InputStream in = connection.getInputStream()) {
                Document document = Json.mapper().readValue(Json.reader(in), Document.class);
                return new NameRules(resource.toString(), document);
            }
        } catch (JacksonException e) {
            throw new LuthierException("name rules " + resource + ": " + Json.reason(e), e);
        } catch (IOException e) {
            throw new LuthierException("name rules " + resource + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * The first rules that are for a checkpoint.
     *
     * @param resources for example {@link org.luthier.api.model.ModelFamily#nameRules()}
     * @throws CheckpointException if none are
     */
    public static NameRules choose(List<URL> resources, Checkpoint checkpoint) {
        for (URL resource : resources) {
            NameRules rules = read(resource);
            if (rules.matches(checkpoint)) {
                return rules;
            }
        }
        throw new CheckpointException(
                checkpoint.name(),
                -1,
                "unknown-names",
                "its tensor names follow none of the " + resources.size()
                        + " naming schemes of the model family; it may be of another family or a damaged copy");
    }

    /** Whether these rules are for a checkpoint, by its names. */
    public boolean matches(Checkpoint checkpoint) {
        return recognisedBy.stream()
                .allMatch(pattern -> checkpoint.tensors().keySet().stream().anyMatch(pattern::matches));
    }

    /**
     * Maps a checkpoint's tensors to canonical names.
     *
     * @param checkpoint read from as weights are taken; stays the caller's
     * @param family id of the model family, for the ledger
     * @throws CheckpointException if a tensor is missing, unused, misshapen or not the only one for its name
     */
    public MappedWeights apply(Checkpoint checkpoint, String family) {
        Map<TensorInfo, Rule> decided = new LinkedHashMap<>();
        List<String> unused = new ArrayList<>();
        Set<Rule> matched = new HashSet<>();
        for (TensorInfo tensor : checkpoint.tensors().values()) {
            Rule rule = rules.stream()
                    .filter(candidate -> candidate.match().matches(tensor.name()))
                    .findFirst()
                    .orElse(null);
            if (rule == null) {
                unused.add(tensor.name());
            } else {
                matched.add(rule);
                decided.put(tensor, rule);
            }
        }
        for (Rule rule : rules) {
            if (rule.drop() == null && !rule.optional() && !matched.contains(rule)) {
                throw new CheckpointException(
                        checkpoint.name(),
                        -1,
                        "missing-tensor",
                        "there is no tensor '" + rule.match() + "'"
                                + Names.nearest(
                                        rule.match().toString(),
                                        unused.isEmpty() ? checkpoint.tensors().keySet() : unused));
            }
        }
        if (!unused.isEmpty()) {
            throw new CheckpointException(
                    checkpoint.name(),
                    -1,
                    "unused-tensor",
                    "no rule uses the tensor '" + unused.get(0) + "'"
                            + (unused.size() == 1 ? "" : " (and " + (unused.size() - 1) + " more)")
                            + Names.nearest(
                                    unused.get(0),
                                    rules.stream()
                                            .map(rule -> rule.match().toString())
                                            .toList()));
        }
        return new MappedWeights(checkpoint, family, targets(checkpoint, decided));
    }

    private static List<MappedWeights.Mapping> targets(Checkpoint checkpoint, Map<TensorInfo, Rule> decided) {
        Map<String, String> sources = new LinkedHashMap<>();
        List<MappedWeights.Mapping> mappings = new ArrayList<>();
        decided.forEach((tensor, rule) -> {
            if (rule.drop() != null) {
                mappings.add(new MappedWeights.Mapping(tensor, "drop: " + rule.drop(), null, Transform.COPY));
                return;
            }
            String target = rule.match().rename(tensor.name(), rule.to() == null ? tensor.name() : rule.to());
            String other = sources.put(target, tensor.name());
            if (other != null) {
                throw new CheckpointException(
                        checkpoint.name(),
                        -1,
                        "duplicate-target",
                        "the tensors '" + other + "' and '" + tensor.name() + "' would both become '" + target + "'");
            }
            List<Long> shape;
            try {
                shape = rule.transform().shape(tensor);
            } catch (IllegalArgumentException e) {
                throw misshapen(checkpoint, tensor, e.getMessage());
            }
            if (rule.shape() != null && !rule.shape().equals(shape)) {
                throw misshapen(checkpoint, tensor, "expected " + rule.shape() + " for '" + target + "', got " + shape);
            }
            mappings.add(new MappedWeights.Mapping(
                    tensor,
                    rule.transform().toString(),
                    new TensorInfo(target, shape, tensor.dtype()),
                    rule.transform()));
        });
        return mappings;
    }

    private static CheckpointException misshapen(Checkpoint checkpoint, TensorInfo tensor, String detail) {
        return new CheckpointException(
                checkpoint.name(), -1, "misshapen-tensor", "tensor '" + tensor.name() + "': " + detail);
    }

    private Rule rule(RuleText text) {
        NamePattern match = new NamePattern(text.match());
        boolean mapped = text.to() != null || text.transform() != null || text.shape() != null || text.optional();
        if (text.drop() != null && mapped) {
            throw broken("rule '" + match + "' cannot both drop a tensor and say what becomes of it");
        }
        if (text.to() != null && !match.fits(text.to())) {
            throw broken("rule '" + match + "': '" + text.to() + "' refers to a wildcard that is not there");
        }
        try {
            Transform transform = text.transform() == null ? Transform.COPY : Transform.parse(text.transform());
            return new Rule(match, text.to(), transform, text.shape(), text.drop(), text.optional());
        } catch (IllegalArgumentException e) {
            throw broken("rule '" + match + "': " + e.getMessage());
        }
    }

    private LuthierException broken(String detail) {
        return new LuthierException("name rules " + source + ": " + detail);
    }
}
