package org.luthier.debug.cause;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.luthier.api.model.Computation;
import org.luthier.debug.Thresholds;

/** The search for what makes one tensor depart. */
final class Search {
    /** How much smaller the error has to become. */
    private static final double MUCH = 10;
    /** An error that is left over and no rounding: a second fault, or rounding on the way. It has to have been so much larger. */
    private static final double LEFT_OVER = 0.02;

    private static final double VERY_MUCH = 30;
    /** Two causes that leave so little both explain it all. */
    private static final double NOTHING_LEFT = 2e-6;
    /** Part of the numbers that a variant has to say something of. */
    private static final double LEAST_COVERED = 0.2;
    /** Places at which a variant is tried before it is computed at all. */
    private static final int FIRST_PLACES = 6;
    /** Computations between recorded tensors that are searched. */
    private static final int MOST_COMPUTATIONS = 24;
    /** From the end of a layer to its stream: projection, mixture, softmax, scores, rotation, projection, norm. */
    private static final int MOST_STEPS_BACK = 8;

    private final List<Computation> all;
    private final Map<String, Computation> byOutput = new HashMap<>();
    private final WeightSource weights;
    private final Thresholds thresholds;
    private final boolean isolated;
    private final String tensor;
    private final Rows rows;
    private final Plane run;
    private final Plane reference;
    private final List<int[]> places;
    private final Fit before;
    private final Map<String, Computation> region = new LinkedHashMap<>();
    private final List<Candidate> found = new ArrayList<>();

    private record Candidate(Variant variant, boolean byReference, String layer, double before, double after) {}

    Search(
            List<Computation> all,
            WeightSource weights,
            Thresholds thresholds,
            boolean isolated,
            String tensor,
            Rows rows) {
        this.all = all;
        all.forEach(computation -> byOutput.put(computation.output(), computation));
        this.weights = weights;
        this.thresholds = thresholds;
        this.isolated = isolated;
        this.tensor = tensor;
        this.rows = rows;
        this.run = rows.trace(tensor);
        this.reference = rows.reference(tensor);
        boolean known = run != null && reference != null && run.shape().length == reference.shape().length;
        this.places = known ? Places.of(run, reference) : List.of();
        this.before = known ? Fit.of(run, reference, places) : new Fit(Double.POSITIVE_INFINITY, 0);
        collect();
    }

    /** The computations on the way to the tensor from what the reference recorded, the tensor's own first. */
    private void collect() {
        Deque<String> next = new ArrayDeque<>(List.of(tensor));
        while (!next.isEmpty() && region.size() < MOST_COMPUTATIONS) {
            Computation computation = byOutput.get(next.poll());
            if (computation != null && region.putIfAbsent(computation.output(), computation) == null) {
                computation.inputs().stream()
                        .filter(input -> rows.reference(input) == null)
                        .forEach(next::add);
            }
        }
    }

    /** The likeliest cause, or null. */
    Cause cause() {
        Cause broken = brokenWeight();
        if (broken != null) {
            return broken;
        }
        Cause lost = lostKeys();
        if (lost != null) {
            return lost;
        }
        if (before.count() == 0 || before.error() == 0) {
            return null;
        }
        List<Computation> own = byOutput.containsKey(tensor) ? List.of(byOutput.get(tensor)) : List.of();
        operations(own, Operation::variants);
        Cause rounded = found.isEmpty() ? rounded() : null;
        if (rounded != null) {
            // Before what is fitted to the outputs, which a rounded weight of a norm would be called too.
            return rounded;
        }
        outputs();
        List<Computation> others = region.values().stream()
                .filter(computation -> !own.contains(computation))
                .toList();
        if (!isExplained()) {
            operations(others, Operation::variants);
        }
        if (found.isEmpty()) {
            swapped();
        }
        if (found.isEmpty()) {
            channels();
        }
        if (found.isEmpty()) {
            added();
        }
        if (found.isEmpty()) {
            operations(own, Operation::farFetched);
        }
        if (found.isEmpty()) {
            operations(others.stream().filter(this::isOncePerPlace).toList(), Operation::farFetched);
        }
        if (!found.isEmpty()) {
            return best();
        }
        Cause structural = new WeightFacts(all, weights).cause(byOutput.get(tensor), before.error());
        return structural != null ? structural : noise();
    }

    /** A weight that holds what is no number, or nothing at all. */
    private Cause brokenWeight() {
        for (Computation computation : region.values()) {
            for (Map.Entry<String, String> role : new TreeMap<>(computation.weights()).entrySet()) {
                String name = role.getValue();
                WeightSource.Weight weight = weights.weight(name);
                float[] values = weight == null ? new float[0] : weight.values();
                boolean zero = values.length > 1 && !role.getKey().equals("bias");
                for (int i = 0; i < values.length; i++) {
                    if (!Float.isFinite(values[i])) {
                        return broken(
                                "NaN or infinity in a weight: " + name + " has " + values[i] + " at element " + i,
                                computation,
                                "take the checkpoint from its source again; float16 overflows above 65504");
                    }
                    zero &= values[i] == 0;
                }
                if (zero) {
                    return broken(
                            "weight missing: " + name + " is all zero",
                            computation,
                            "was it loaded, or left as it was created?");
                }
            }
        }
        return null;
    }

    private Cause broken(String cause, Computation computation, String advice) {
        return new Cause(cause, computation.output(), before.error(), before.error(), advice);
    }

    /** What the sizes tell: keys that a cache has lost. */
    private Cause lostKeys() {
        if (run == null || reference == null || run.shape().length != 3 || run.width() != 1 || reference.width() < 2) {
            return null;
        }
        Field newest = Field.of(run.shape(), index -> {
            double[] keys = reference.at(index);
            return keys == null || index[1] >= keys.length ? null : new double[] {keys[index[1]]};
        });
        Fit after = Fit.of(newest, run, Places.all(run, Places.MOST));
        return after.count() > 0 && after.error() < LEFT_OVER
                ? new Cause(
                        AttentionOperation.NEWEST + ": this run has one key at every step, the reference all so far",
                        tensor,
                        1,
                        after.error(),
                        AttentionOperation.CACHE)
                : null;
    }

    /** What counts as the same: of a small departure, less than it. */
    private double limit() {
        return Math.min(thresholds.relativeL2(), before.error() / MUCH);
    }

    private boolean isExplained() {
        return found.stream().anyMatch(candidate -> candidate.after() <= thresholds.relativeL2());
    }

    /** Whether one place of the tensor needs one place of a computation on the way, not all keys or all values. */
    private boolean isOncePerPlace(Computation computation) {
        return region.values().stream()
                .filter(other -> other.inputs().contains(computation.output()))
                .noneMatch(other -> other.settings().containsKey("heads")
                        && !other.inputs().get(0).equals(computation.output()));
    }

    /** Computations with one thing changed: what then comes out is what the run has, or the reference. */
    private void operations(List<Computation> computations, Function<Operation, List<Variant>> variants) {
        List<Computation> left = new ArrayList<>();
        for (Computation computation : computations) {
            boolean departs = inRun(computation, variants);
            if (!departs || computation.output().equals(tensor)) {
                left.add(computation);
            }
        }
        for (Computation computation : left) {
            if (!isExplained()) {
                inReference(computation, variants);
            }
        }
    }

    /** The run does what the model has; the reference does otherwise, or has other weights. */
    private void inReference(Computation computation, Function<Operation, List<Variant>> variants) {
        Operation operation = operation(computation, this::input, all(computation, true));
        if (operation != null && !fits(downstream(computation, operation.plain()), reference)) {
            test(
                    variants.apply(operation),
                    true,
                    computation,
                    field -> downstream(computation, field),
                    reference,
                    before);
        }
    }

    /**
     * The run does otherwise than the model has.
     *
     * @return whether it does
     */
    private boolean inRun(Computation computation, Function<Operation, List<Variant>> variants) {
        boolean own = computation.output().equals(tensor);
        Plane made = rows.trace(computation.output());
        Operation operation = made == null ? null : operation(computation, this::inputOfRun, all(computation, false));
        if (operation == null) {
            return false;
        }
        Field plain = operation.plain();
        List<int[]> where = own ? places : Places.all(made, Places.MOST);
        if (!Fit.of(plain, made, where).isWithin(limit())) {
            Fit error = own ? before : Fit.of(made, plain, where);
            test(variants.apply(operation), false, computation, field -> field, made, error);
            return true;
        }
        if (own && !isolated && computation.operation().equals(Computation.SOFTMAX)) {
            crossed(computation, variants);
        }
        return false;
    }

    /** What one side masks the other does not: of scores that count as the same, as masked ones are not judged. */
    private void crossed(Computation computation, Function<Operation, List<Variant>> variants) {
        Operation ofRun = operation(computation, rows::trace, AllRows.UNKNOWN);
        Operation ofReference = operation(computation, rows::reference, AllRows.UNKNOWN);
        if (ofRun != null && ofReference != null) {
            test(variants.apply(ofRun), true, computation, field -> field, reference, before);
            test(variants.apply(ofReference), false, computation, field -> field, run, before);
        }
    }

    private boolean fits(Field field, Field target) {
        return field != null && Fit.of(field, target, places).isWithin(limit());
    }

    private Operation operation(Computation computation, Function<String, Field> source, AllRows all) {
        List<Field> inputs = new ArrayList<>();
        for (String name : computation.inputs()) {
            Field field = source.apply(name);
            if (field == null) {
                return null;
            }
            inputs.add(field);
        }
        return Operations.of(new Task(computation, inputs, weights, this.all, all));
    }

    /** All rows of a computation and of what it is given. */
    private AllRows all(Computation computation, boolean byReference) {
        return rows.all(computation.output(), byReference, name -> {
            boolean first = isolated || byReference;
            Plane recorded = first ? rows.allOfReference(name) : rows.allOfTrace(name);
            return recorded != null ? recorded : first ? rows.allOfTrace(name) : rows.allOfReference(name);
        });
    }

    /** What a computation is given: the reference's, else the run's. */
    private Field input(String name) {
        Plane recorded = isolated ? rows.reference(name) : rows.filled(name);
        return recorded != null ? recorded : rows.trace(name);
    }

    private Field inputOfRun(String name) {
        Plane given = isolated && rows.reference(name) != null ? rows.reference(name) : rows.trace(name);
        return given != null ? given : rows.filled(name);
    }

    /** The tensor, one computation on the way to it giving something else. */
    private Field downstream(Computation changed, Field field) {
        return downstream(tensor, changed, field, new HashMap<>());
    }

    private Field downstream(String name, Computation changed, Field field, Map<String, Field> made) {
        if (name.equals(changed.output())) {
            return field;
        }
        if (made.containsKey(name)) {
            return made.get(name);
        }
        Computation computation = region.get(name);
        boolean touched = computation != null && reaches(computation, changed.output());
        Field result = touched ? plain(computation, input -> downstream(input, changed, field, made)) : input(name);
        made.put(name, result);
        return result;
    }

    private Field plain(Computation computation, Function<String, Field> source) {
        // What was changed is known of one row only: numbers that come from other rows are not.
        Operation operation = operation(computation, source, shape(computation));
        return operation == null ? null : operation.plain();
    }

    /** What a row of a computation looks like, and nothing of what it is given. */
    private AllRows shape(Computation computation) {
        return rows.all(computation.output(), true, name -> null);
    }

    private boolean reaches(Computation computation, String output) {
        return computation.inputs().stream()
                .anyMatch(input -> input.equals(output)
                        || rows.reference(input) == null
                                && region.containsKey(input)
                                && reaches(region.get(input), output));
    }

    private void test(
            List<Variant> variants,
            boolean byReference,
            Computation computation,
            Function<Field, Field> onward,
            Field target,
            Fit from) {
        List<int[]> where = target == run || target == reference ? places : Places.all(target, Places.MOST);
        Deque<Variant> left = new ArrayDeque<>(variants);
        // Polled, so that the memory of one is free before the next is computed.
        while (!left.isEmpty()) {
            Variant variant = computation.weights().isEmpty() ? left.poll().ofCode() : left.poll();
            Field field = onward.apply(variant.field());
            if (field != null) {
                test(variant, byReference, computation.output(), field, target, where, from);
            }
        }
    }

    private void test(
            Variant variant,
            boolean byReference,
            String layer,
            Field field,
            Field target,
            List<int[]> where,
            Fit from) {
        if (where.size() > FIRST_PLACES) {
            Fit first = Fit.of(field, target, where.subList(0, FIRST_PLACES));
            if (first.count() > 0 && first.error() > from.error()) {
                return;
            }
        }
        Fit after = Fit.of(field, target, where);
        if (after.count() >= LEAST_COVERED * from.count() && explains(from.error(), after.error())) {
            found.add(new Candidate(variant, byReference, layer, from.error(), after.error()));
        }
    }

    private boolean explains(double error, double left) {
        return left <= thresholds.relativeL2() && left * MUCH <= error
                || left <= LEFT_OVER && left * VERY_MUCH <= error;
    }

    private void outputs() {
        Computation computation = byOutput.get(tensor);
        Task task = computation == null ? null : new Task(computation, List.of(), weights, all);
        OutputVariants variants = new OutputVariants(task, run, reference, places);
        for (Variant variant : variants.ofReference()) {
            test(variant, false, tensor, variant.field(), run, places, before);
        }
        for (Variant variant : variants.ofRun()) {
            test(variant, true, tensor, variant.field(), reference, places, before);
        }
    }

    /** Another tensor of the reference under this one's name. */
    private void swapped() {
        Computation own = byOutput.get(tensor);
        List<String> candidates = all.stream()
                .filter(other -> own != null && other.operation().equals(own.operation()))
                .map(Computation::output)
                .toList();
        for (String other : rows.alike(tensor, candidates)) {
            Plane its = rows.reference(other);
            if (its != null) {
                test(
                        new Variant(
                                "names swapped",
                                "what the reference calls " + other,
                                tensor + " itself",
                                "look at the two names: in the name rules, in the name map of the reference, in the code",
                                its),
                        false,
                        tensor,
                        its,
                        run,
                        places,
                        before);
            }
        }
    }

    /** What the reference has of another channel. */
    private void channels() {
        rows.otherChannels(tensor)
                .forEach((channel, its) -> test(
                        new Variant(
                                OutputVariants.CHANNELS,
                                "what the reference has of channel " + channel,
                                "that of the channel itself",
                                "keep the channels in one order from the projection to the ids: row = segment * channels +"
                                        + " channel",
                                its),
                        false,
                        tensor,
                        its,
                        run,
                        places,
                        before));
    }

    /** Another tensor that has a part in this one's making, added to it where it should not be. */
    private void added() {
        for (String other : rows.alike(tensor, List.copyOf(sources()))) {
            Plane own = rows.trace(other);
            Plane its = rows.reference(other);
            if (own == null || its == null || own.shape().length != run.shape().length) {
                continue;
            }
            String advice = "a residual stream is added where the model says so, and once";
            for (int sign : new int[] {1, -1}) {
                String odd = other + (sign > 0 ? " added" : " subtracted");
                Variant variant =
                        new Variant("addend too many", "addend missing", odd, "not", advice, sum(reference, own, sign));
                test(variant, false, tensor, variant.field(), run, places, before);
                Variant reverse =
                        new Variant("addend too many", "addend missing", odd, "not", advice, sum(run, its, sign));
                test(reverse, true, tensor, reverse.field(), reference, places, before);
            }
        }
    }

    /** What the tensor comes from, a few steps back. */
    private Set<String> sources() {
        Set<String> sources = new LinkedHashSet<>();
        List<String> latest = List.of(tensor);
        for (int step = 0; step < MOST_STEPS_BACK; step++) {
            latest = latest.stream()
                    .filter(byOutput::containsKey)
                    .flatMap(name -> byOutput.get(name).inputs().stream())
                    .filter(sources::add)
                    .toList();
        }
        return sources;
    }

    private static Field sum(Field a, Field b, int sign) {
        return Field.of(a.shape(), index -> {
            double[] x = a.at(index);
            double[] y = b.at(index);
            if (x == null || y == null || x.length != y.length) {
                return null;
            }
            double[] sum = new double[x.length];
            for (int i = 0; i < sum.length; i++) {
                sum[i] = x[i] + sign * y[i];
            }
            return sum;
        });
    }

    private Cause best() {
        double least = found.stream().mapToDouble(Candidate::after).min().orElseThrow();
        List<Candidate> equal = found.stream()
                .filter(candidate -> candidate.after() <= Math.max(3 * least, NOTHING_LEFT))
                .toList();
        Candidate first = equal.get(0);
        String text = first.variant().cause(first.byReference());
        Set<String> others = equal.stream()
                .map(candidate -> candidate.byReference()
                        ? candidate.variant().reverse()
                        : candidate.variant().fault())
                .filter(fault -> !text.startsWith(fault + ":") && !OutputVariants.GENERAL.contains(fault))
                .collect(Collectors.toCollection(TreeSet::new));
        return new Cause(
                text + (others.isEmpty() ? "" : "; as well fits: " + String.join(", ", others)),
                first.layer(),
                first.before(),
                first.after(),
                first.variant().advice(first.byReference()));
    }

    /** Fewer bits, of all weights but biases that have a part in it, or of the tensor itself. */
    private Cause rounded() {
        List<String> names = new ArrayList<>();
        List<WeightSource.Weight> values = new ArrayList<>();
        region.values()
                .forEach(part -> new TreeMap<>(part.weights()).forEach((role, name) -> {
                    WeightSource.Weight weight = weights.weight(name);
                    if (weight != null && !role.equals("bias") && !names.contains(name)) {
                        names.add(name);
                        values.add(weight);
                    }
                }));
        return SmallDifferences.reducedPrecision(tensor, names, values, run, reference, before.error());
    }

    /** A weight that is not quite another's. */
    private Cause noise() {
        Computation computation = byOutput.get(tensor);
        List<String> matrices = region.values().stream()
                .flatMap(part -> part.weights().values().stream().sorted())
                .distinct()
                .filter(name -> weights.weight(name) != null
                        && weights.weight(name).shape().size() > 1)
                .toList();
        if (computation == null || matrices.isEmpty()) {
            return null;
        }
        Operation operation = operation(computation, this::inputOfRun, all(computation, false));
        Field plain = operation == null ? null : operation.plain();
        // Noise on a weight, not in what computes with it.
        return plain != null && (fits(plain, run) || fits(plain, reference))
                ? SmallDifferences.noise(tensor, run, reference, places, before.error(), matrices)
                : null;
    }
}
