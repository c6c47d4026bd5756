package org.luthier.checkpoint;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JacksonException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;

/**
 * How the tensor names of one kind of checkpoint become the canonical names of a model family: data, not code. docs/name-rules.md tells
 * how they are written.
 *
 * <p>Every tensor is accounted for: one that no rule matches, a rule that matches none, a layer that lacks a tensor which others have, a
 * shape that does not fit and two tensors for one canonical name are errors. Rules without reshapes can be inverted, so that the same
 * data leads back.
 */
public final class NameRules {
    private static final String FORMAT = "luthier-names/1";
    private static final int LONGEST = 1 << 20;
    private static final int LONGEST_DETAIL = 1000;

    private final String source;
    private final String scheme;
    private final String inside;
    private final List<NamePattern> recognisedBy;
    private final List<NameRule> rules;

    /** The JSON as it is written. */
    private record Document(
            @JsonProperty(required = true) String format,
            String scheme,
            String inside,
            @JsonProperty(required = true) List<String> recognisedBy,
            @JsonProperty(required = true) List<RuleText> rules) {}

    private record RuleText(
            @JsonProperty(required = true) @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY)
            List<String> match,

            @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY)
            List<String> to,

            List<String> transform,
            Integer split,
            Integer stack,
            List<Object> shape,
            String drop,
            String sameAs,
            String expect,
            boolean optional,
            String where) {}

    private NameRules(String source, Document document) {
        this.source = source;
        if (!FORMAT.equals(document.format())) {
            throw broken("expected the format " + FORMAT + ", got " + document.format());
        }
        if (document.recognisedBy() == null || document.recognisedBy().isEmpty() || document.rules() == null) {
            throw broken("recognisedBy and rules must not be empty");
        }
        if (document.recognisedBy().stream().anyMatch(Objects::isNull)) {
            throw broken("expected text in recognisedBy, got null");
        }
        scheme = document.scheme();
        inside = document.inside();
        recognisedBy = document.recognisedBy().stream().map(NamePattern::new).toList();
        rules = document.rules().stream().map(this::rule).toList();
    }

    private NameRules(NameRules of, List<NameRule> rules) {
        this.source = of.source;
        this.scheme = null;
        this.inside = null;
        this.recognisedBy = List.of();
        this.rules = rules;
    }

    /**
     * Reads rules.
     *
     * @throws LuthierException if the resource cannot be read or is no such file: a defect of the bundle or the file that it comes from
     */
    public static NameRules read(URL resource) {
        try {
            URLConnection connection = resource.openConnection();
            // A cached jar would stay open after its bundle is gone.
            connection.setUseCaches(false);
            try (InputStream in = connection.getInputStream()) {
                byte[] text = in.readNBytes(LONGEST + 1);
                if (text.length > LONGEST) {
                    throw new LuthierException("name rules " + resource + ": more than " + LONGEST + " bytes");
                }
                Document document =
                        Json.mapper().readValue(Json.reader(new ByteArrayInputStream(text)), Document.class);
                if (document == null) {
                    throw new LuthierException("name rules " + resource + ": expected an object, found null");
                }
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
        String nearest = "";
        for (URL resource : resources) {
            NameRules rules = read(resource);
            List<NamePattern> lacking = rules.lacking(checkpoint);
            if (lacking.isEmpty()) {
                return rules;
            }
            if (nearest.isEmpty() && lacking.size() < rules.recognisedBy.size()) {
                nearest = ", for the nearest there is no tensor '" + lacking.get(0) + "'";
            }
        }
        throw new CheckpointException(
                checkpoint.name(),
                -1,
                "unknown-names",
                "its tensor names follow none of the " + resources.size() + " naming schemes of the model family"
                        + nearest + "; it may be of another family or a damaged copy");
    }

    /** Whether these rules are for a checkpoint, by its names. */
    public boolean matches(Checkpoint checkpoint) {
        return lacking(checkpoint).isEmpty();
    }

    /** What a checkpoint of the scheme has and this one does not. */
    private List<NamePattern> lacking(Checkpoint checkpoint) {
        return recognisedBy.stream()
                .filter(pattern -> checkpoint.tensors().keySet().stream().noneMatch(pattern::matches))
                .toList();
    }

    /** Id of the file format whose files have such names, for example {@code "t5x"}; none if the rules do not say. */
    public Optional<String> scheme() {
        return Optional.ofNullable(scheme);
    }

    /** What a file of the scheme has its tensors under, for example {@code "state_dict"} beside other things; none if it has nothing else. */
    public Optional<String> inside() {
        return Optional.ofNullable(inside);
    }

    /**
     * Maps a checkpoint's tensors to canonical names.
     *
     * @param checkpoint read from as weights are taken; stays the caller's
     * @param family id of the model family, for the ledger
     * @throws CheckpointException if a tensor is missing, unused, misshapen or not the only one for its name
     */
    public MappedWeights apply(Checkpoint checkpoint, String family) {
        return apply(new MappedWeights(checkpoint), family);
    }

    /** Maps what other rules made of a checkpoint, as {@link #apply(Checkpoint, String)} does. */
    public MappedWeights apply(MappedWeights weights, String family) {
        return weights.renamed(family, new Renaming(weights, rules).all());
    }

    /**
     * Gives tensors other names where a rule says so; the others keep theirs.
     *
     * @throws CheckpointException if a tensor is missing, misshapen or not the only one for its name
     */
    public MappedWeights applyToSome(Checkpoint checkpoint) {
        MappedWeights weights = new MappedWeights(checkpoint);
        return weights.renamed(null, new Renaming(weights, rules).some());
    }

    /**
     * The new names of a checkpoint's tensors for comparing and diagnosing: nothing need be there or of a certain shape. A tensor that no
     * rule uses keeps its name, and one that its rule cannot change is left as it is.
     */
    public MappedWeights survey(Checkpoint checkpoint) {
        MappedWeights weights = new MappedWeights(checkpoint);
        return weights.renamed(null, new Renaming(weights, rules).possible());
    }

    /**
     * The rules that lead from the new names back to the old ones. Nothing leads to what these rules drop.
     *
     * @throws LuthierException if a rule forgets what it would need
     */
    public NameRules inverse() {
        return new NameRules(
                this,
                rules.stream()
                        .filter(rule -> rule.drop() == null)
                        .map(rule -> {
                            try {
                                return rule.inverse();
                            } catch (IllegalArgumentException e) {
                                throw broken(
                                        "rule '" + rule + "' cannot be used the other way round: " + e.getMessage());
                            }
                        })
                        .toList());
    }

    /**
     * Second names of tensors, which the rules drop, each with its first name. A layer that has other tensors has them too.
     *
     * @param names of the tensors in a file that has these names
     */
    public Map<String, String> secondNames(Collection<String> names) {
        Map<String, String> second = new LinkedHashMap<>();
        for (NameRule rule : rules) {
            if (rule.sameAs() != null && names.contains(rule.sameAs())) {
                NamePattern pattern = rule.match().get(0);
                pattern.layers(names).forEach(layer -> second.put(pattern.fill(layer), rule.sameAs()));
            }
        }
        return second;
    }

    private NameRule rule(RuleText text) {
        if (text == null
                || text.match() == null
                || text.match().isEmpty()
                || text.match().stream().anyMatch(Objects::isNull)
                || text.transform() != null && text.transform().stream().anyMatch(Objects::isNull)) {
            throw broken("a rule has no match, or null in one of its lists");
        }
        try {
            return NameRule.of(
                    text.match().stream().map(NamePattern::new).toList(),
                    text.to(),
                    text.transform(),
                    text.split(),
                    text.stack(),
                    text.shape(),
                    text.drop(),
                    text.sameAs(),
                    text.expect(),
                    text.optional(),
                    text.where());
        } catch (IllegalArgumentException e) {
            throw broken("rule '" + String.join("', '", text.match()) + "': " + e.getMessage());
        }
    }

    private LuthierException broken(String detail) {
        return new LuthierException("name rules " + source + ": " + Names.brief(detail, LONGEST_DETAIL));
    }

    /**
     * What a name in the shapes of rules stands for.
     *
     * @param tensors the first that have it
     */
    private record Size(long value, String tensors) {}

    /** One use of rules. */
    private static final class Renaming {
        private final MappedWeights weights;
        private final List<NameRule> rules;
        private final List<String> unused = new ArrayList<>();
        private final Map<String, NameRule> decided = new LinkedHashMap<>();
        private final Map<String, Size> sizes = new LinkedHashMap<>();
        private final Map<String, String> makers = new LinkedHashMap<>();
        private final List<MappedWeights.Mapping> mappings = new ArrayList<>();

        Renaming(MappedWeights weights, List<NameRule> rules) {
            this.weights = weights;
            this.rules =
                    rules.stream().filter(rule -> rule.isFor(weights.names())).toList();
            for (String name : weights.names()) {
                this.rules.stream()
                        .filter(rule -> rule.matches(name))
                        .findFirst()
                        .ifPresentOrElse(rule -> decided.put(name, rule), () -> unused.add(name));
            }
        }

        List<MappedWeights.Mapping> all() {
            requireAll();
            requireWholeLayers();
            if (!unused.isEmpty()) {
                throw broken(
                        "unused-tensor",
                        "no rule uses the tensor '" + unused.get(0) + "'"
                                + (unused.size() == 1 ? "" : " (and " + (unused.size() - 1) + " more)")
                                + Names.nearest(
                                        unused.get(0),
                                        rules.stream()
                                                .flatMap(rule -> rule.match().stream())
                                                .map(NamePattern::toString)
                                                .toList()));
            }
            return mapped();
        }

        List<MappedWeights.Mapping> some() {
            requireAll();
            requireWholeLayers();
            return mapped();
        }

        List<MappedWeights.Mapping> possible() {
            for (String name : weights.names()) {
                Recipe from = weights.recipe(name);
                NameRule rule = decided.get(name);
                try {
                    if (rule == null) {
                        add(from, name);
                    } else if (rule.drop() != null) {
                        mappings.add(new MappedWeights.Mapping(from, rule.drop(), null));
                    } else {
                        map(name, rule.lenient(from.tensor()));
                    }
                } catch (CheckpointException e) {
                    add(from, name);
                }
            }
            return mappings;
        }

        private List<MappedWeights.Mapping> mapped() {
            for (String name : weights.names()) {
                NameRule rule = decided.get(name);
                if (rule == null) {
                    add(weights.recipe(name), name);
                } else {
                    map(name, rule);
                }
            }
            return mappings;
        }

        private void requireAll() {
            for (NameRule rule : rules) {
                for (NamePattern pattern : rule.match()) {
                    if (rule.isNeeded()
                            && decided.entrySet().stream()
                                    .noneMatch(each -> each.getValue() == rule && pattern.matches(each.getKey()))) {
                        throw broken(
                                "missing-tensor", "there is no tensor '" + pattern + "'" + nearest(pattern.toString()));
                    }
                }
            }
        }

        /**
         * What a wildcard of needed rules that begin alike stands for must be the same, and count from 0 if it counts. Of several
         * wildcards that all count, each number must be there with each of the others.
         */
        private void requireWholeLayers() {
            Map<NameRule, Map<NamePattern, Set<List<String>>>> present = new LinkedHashMap<>();
            Map<String, Set<String>> layers = new LinkedHashMap<>();
            for (NameRule rule : rules) {
                for (NamePattern pattern : rule.isNeeded() ? rule.match() : List.<NamePattern>of()) {
                    Set<List<String>> captures = present(rule, pattern);
                    if (pattern.wildcards() == 1
                            || pattern.wildcards() > 1
                                    && captures.stream().flatMap(List::stream).allMatch(Renaming::isNumber)) {
                        present.computeIfAbsent(rule, key -> new LinkedHashMap<>())
                                .put(pattern, captures);
                        for (int i = 0; i < pattern.wildcards(); i++) {
                            Set<String> all = layers.computeIfAbsent(pattern.prefix(i), key -> new TreeSet<>());
                            for (List<String> capture : captures) {
                                all.add(capture.get(i));
                            }
                        }
                    }
                }
            }
            layers.values().stream()
                    .filter(all -> all.stream().allMatch(Renaming::isNumber))
                    .forEach(all -> {
                        // As many as there are now: a name may tell any number.
                        int count = all.size();
                        for (int layer = 0; layer < count; layer++) {
                            all.add(String.valueOf(layer));
                        }
                    });
            present.forEach((rule, patterns) ->
                    patterns.forEach((pattern, captures) -> requireAll(pattern, captures, layers, List.of())));
        }

        private void requireAll(
                NamePattern pattern, Set<List<String>> present, Map<String, Set<String>> layers, List<String> chosen) {
            if (chosen.size() < pattern.wildcards()) {
                for (String layer : layers.get(pattern.prefix(chosen.size()))) {
                    List<String> more = new ArrayList<>(chosen);
                    more.add(layer);
                    requireAll(pattern, present, layers, more);
                }
            } else if (!present.contains(chosen)) {
                String name = pattern.fill(chosen);
                throw broken("missing-tensor", "there is no tensor '" + name + "'" + nearest(name));
            }
        }

        private static boolean isNumber(String text) {
            return text.matches("0|[1-9]\\d{0,8}");
        }

        private Set<List<String>> present(NameRule rule, NamePattern pattern) {
            return decided.entrySet().stream()
                    .filter(each -> each.getValue() == rule)
                    .map(each -> pattern.captures(each.getKey()))
                    .filter(Objects::nonNull)
                    .collect(Collectors.toSet());
        }

        private String nearest(String name) {
            return Names.nearest(name, unused.isEmpty() ? weights.names() : unused);
        }

        private void map(String name, NameRule rule) {
            Recipe from = weights.recipe(name);
            if (rule.drop() != null) {
                mappings.add(new MappedWeights.Mapping(from, rule.drop(), check(name, rule)));
                return;
            }
            int pattern = rule.patternOf(name);
            List<String> captures = rule.match().get(pattern).captures(name);
            try {
                if (rule.stack() != null) {
                    // The first of them brings the others in.
                    if (pattern == 0) {
                        List<Recipe> parts = new ArrayList<>();
                        for (NamePattern each : rule.match()) {
                            parts.add(change(needed(each.fill(captures), rule), rule, name));
                        }
                        String target = rule.target(0, name, captures);
                        add(shaped(new Recipe.Stacked(parts, rule.stack(), target), rule), name);
                    } else {
                        needed(rule.match().get(0).fill(captures), rule);
                    }
                    return;
                }
                for (int part = 0; part < rule.parts(); part++) {
                    Recipe cut = rule.split() == null ? from : new Recipe.Part(from, rule.split(), part, rule.parts());
                    add(shaped(change(cut, rule, rule.target(part, name, captures)), rule), name);
                }
            } catch (IllegalArgumentException e) {
                throw broken("misshapen-tensor", "tensor '" + name + "': " + e.getMessage());
            }
        }

        private static Recipe change(Recipe from, NameRule rule, String target) {
            return new Recipe.Changed(from, rule.transform(), target);
        }

        private Recipe needed(String name, NameRule rule) {
            if (decided.get(name) != rule) {
                throw broken("missing-tensor", "there is no tensor '" + name + "'" + nearest(name));
            }
            return weights.recipe(name);
        }

        private Recipe shaped(Recipe recipe, NameRule rule) {
            List<Long> shape = recipe.tensor().shape();
            if (rule.shape() == null) {
                return recipe;
            }
            boolean fits = rule.shape().size() == shape.size();
            for (int i = 0; fits && i < shape.size(); i++) {
                Object size = rule.shape().get(i);
                if (size instanceof String called) {
                    sizes.putIfAbsent(called, new Size(shape.get(i), recipe.storedNames()));
                    size = sizes.get(called).value();
                }
                fits = shape.get(i).equals(size);
            }
            if (!fits) {
                throw new IllegalArgumentException("expected " + rule.shape() + known(rule) + " for '"
                        + recipe.tensor().name() + "', got " + shape + origins(rule, recipe));
            }
            return recipe;
        }

        private String known(NameRule rule) {
            String known = rule.shape().stream()
                    .filter(sizes::containsKey)
                    .distinct()
                    .map(name -> name + " " + sizes.get(name).value())
                    .collect(Collectors.joining(", "));
            return known.isEmpty() ? "" : " with " + known;
        }

        /** The tensors that the known sizes come from: one of them may be what is wrong. */
        private String origins(NameRule rule, Recipe misshapen) {
            String origins = rule.shape().stream()
                    .filter(sizes::containsKey)
                    .map(name -> sizes.get(name).tensors())
                    .filter(tensors -> !tensors.equals(misshapen.storedNames()))
                    .distinct()
                    .collect(Collectors.joining(", "));
            return origins.isEmpty() ? "" : "; as in " + origins;
        }

        private void add(Recipe recipe, String from) {
            String target = recipe.tensor().name();
            String other = makers.put(target, from);
            if (other != null) {
                throw broken(
                        "duplicate-target",
                        "the tensors '" + other + "' and '" + from + "' would both become '" + target + "'");
            }
            mappings.add(new MappedWeights.Mapping(recipe, null, null));
        }

        private MappedWeights.Check check(String name, NameRule rule) {
            if (rule.sameAs() != null) {
                if (!decided.containsKey(rule.sameAs())) {
                    throw broken(
                            "missing-tensor",
                            "'" + name + "' is the second name of '" + rule.sameAs() + "', which is not there"
                                    + nearest(rule.sameAs()));
                }
                return new MappedWeights.SameAs(weights.recipe(rule.sameAs()));
            }
            return rule.expect();
        }

        private CheckpointException broken(String rule, String detail) {
            return new CheckpointException(weights.fileName(), -1, rule, Names.brief(detail, LONGEST_DETAIL));
        }
    }
}
