package org.luthier.checkpoint;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * One rule, read and checked.
 *
 * @param match one pattern, or several whose tensors are stacked
 * @param to one new name, or several that the tensor is split into, or none if the name stays
 * @param split axis to split along, or null
 * @param stack axis to stack along, or null
 * @param shape what must come out, numbers and names of sizes, or null
 * @param drop why the tensor is left out, or null
 * @param sameAs the tensor that this is a second name of, or null
 * @param expect what a dropped tensor should hold, or null
 * @param optional whether no tensor at all may fit
 * @param where what the name of some tensor must fit for the rule to count at all, or null
 */
record NameRule(
        List<NamePattern> match,
        List<String> to,
        Transform transform,
        Integer split,
        Integer stack,
        List<Object> shape,
        String drop,
        String sameAs,
        MappedWeights.Powers expect,
        boolean optional,
        NamePattern where) {

    /** @throws IllegalArgumentException with what is wrong, if the fields do not go together */
    static NameRule of(
            List<NamePattern> match,
            List<String> to,
            List<String> transform,
            Integer split,
            Integer stack,
            List<?> shape,
            String drop,
            String sameAs,
            String expect,
            boolean optional,
            String where) {
        boolean mapped = to != null || transform != null || shape != null || split != null || stack != null || optional;
        if ((drop != null || sameAs != null) && mapped) {
            throw new IllegalArgumentException("it cannot both drop a tensor and say what becomes of it");
        }
        if (drop != null && sameAs != null || expect != null && drop == null) {
            throw new IllegalArgumentException("drop, with or without expect, and sameAs exclude each other");
        }
        require(sameAs == null || match.size() == 1, "a second name is one name");
        require(
                match.size() > 1 == (stack != null) || drop != null,
                "stack goes with several patterns, and they with it");
        require(
                to != null && to.size() > 1 == (split != null) || to == null && split == null,
                "split goes with several new names, and they with it");
        require(split == null || stack == null, "split and stack exclude each other");
        require(split == null || split >= 0, "expected an axis to split along, got " + split);
        require(stack == null || stack >= 0, "expected an axis to stack along, got " + stack);
        require(stack == null || to != null, "what is stacked needs a new name");
        for (NamePattern pattern : match) {
            require(
                    stack == null || pattern.wildcards() == match.get(0).wildcards(),
                    "what is stacked needs as many wildcards in each pattern");
            for (String target : to == null ? List.<String>of() : to) {
                require(
                        target != null && pattern.fits(target),
                        "'" + target + "' refers to a wildcard that is not there");
            }
        }
        Transform steps = transform == null ? Transform.COPY : Transform.parse(transform);
        String reason = sameAs == null ? drop : "second name of " + sameAs;
        return new NameRule(
                match,
                to == null ? List.of() : List.copyOf(to),
                steps,
                split,
                stack,
                shape == null ? null : shape.stream().map(NameRule::size).toList(),
                reason,
                sameAs,
                expect == null ? null : MappedWeights.Powers.parse(expect),
                optional,
                where == null ? null : new NamePattern(where));
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    private static Object size(Object size) {
        if (size instanceof Number number && number.longValue() >= 0 && number.doubleValue() == number.longValue()) {
            return number.longValue();
        }
        require(
                size instanceof String text && !text.isEmpty(),
                "expected whole numbers and names of sizes as the shape, got " + Names.brief(size));
        return size;
    }

    /** Whether there must be a tensor for it. */
    boolean isNeeded() {
        return drop == null && !optional;
    }

    boolean matches(String name) {
        return match.stream().anyMatch(pattern -> pattern.matches(name));
    }

    /** Whether it counts for tensors of these names. */
    boolean isFor(Collection<String> names) {
        return where == null || names.stream().anyMatch(where::matches);
    }

    /** Which pattern is the first to fit a name. */
    int patternOf(String name) {
        int pattern = 0;
        while (!match.get(pattern).matches(name)) {
            pattern++;
        }
        return pattern;
    }

    /** How many tensors become of one. */
    int parts() {
        return Math.max(1, to.size());
    }

    /** The new name. */
    String target(int part, String name, List<String> captures) {
        return to.isEmpty() ? name : NamePattern.fill(to.get(part), captures);
    }

    /** This rule for a tensor of any shape: without the one that must come out, and without a transform that does not fit. */
    NameRule lenient(TensorInfo tensor) {
        Transform fitting = transform;
        try {
            transform.shape(tensor);
        } catch (IllegalArgumentException e) {
            fitting = Transform.COPY;
        }
        return new NameRule(match, to, fitting, split, stack, null, drop, sameAs, expect, optional, where);
    }

    /**
     * The rule for the way back: needed no more if it counts only where other tensors are, whose names are others there.
     *
     * @throws IllegalArgumentException if something is forgotten on the way, with what
     */
    NameRule inverse() {
        boolean free = optional || where != null;
        List<NamePattern> back = new ArrayList<>();
        List<String> names = new ArrayList<>();
        if (to.isEmpty()) {
            return new NameRule(match, to, transform.inverse(), null, null, null, null, null, null, free, null);
        }
        // One of the two has one element.
        for (int i = 0; i < Math.max(match.size(), to.size()); i++) {
            NamePattern.Inverse inverse =
                    match.get(Math.min(i, match.size() - 1)).inverse(to.get(Math.min(i, to.size() - 1)));
            if (i < to.size()) {
                back.add(inverse.match());
            }
            if (i < match.size()) {
                names.add(inverse.to());
            }
        }
        return new NameRule(back, names, transform.inverse(), stack, split, null, null, null, null, free, null);
    }

    @Override
    public String toString() {
        return match.stream().map(NamePattern::toString).collect(Collectors.joining("', '"));
    }
}
