package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.luthier.api.CancelledException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.checkpoint.Weights;
import org.luthier.files.Sha256;

/**
 * Weights that name rules made of a checkpoint, read when they are taken, or a little before by threads that are free. May be used by
 * several threads.
 *
 * <p>The checkpoint must stay open until {@link #finish()} or {@link #ledger()} has returned; both read what nobody has read yet, so
 * that the ledger has every checksum.
 */
public final class MappedWeights implements Weights {
    /** Bytes of weights that may be read and not yet taken. */
    private static final long MOST_AHEAD = 1 << 24;

    /** Weights looked at when there is something to choose. */
    private static final int LOOK_AHEAD = 64;

    private final Checkpoint checkpoint;
    private final String family;
    private final List<Mapping> mappings;
    private final Map<String, Mapping> byTarget = new LinkedHashMap<>();
    private final Map<Mapping, List<Ledger.Entry>> entries = new ConcurrentHashMap<>();
    private final Map<String, FutureTask<float[]>> reads = new ConcurrentHashMap<>();
    private final Set<String> taken = ConcurrentHashMap.newKeySet();
    private final Set<String> warnings = new ConcurrentSkipListSet<>();

    private final List<Mapping> order;
    private final Map<String, Integer> place = new HashMap<>();

    /** What is read ahead; guarded by this object, as are the two below. */
    private final Set<String> ahead = new HashSet<>();

    private long bytesAhead;
    private Ledger ledger;

    /**
     * What becomes of a tensor.
     *
     * @param recipe of what comes out, or would
     * @param drop why it is left out, or null
     * @param check of what is left out, or null
     */
    record Mapping(Recipe recipe, String drop, Check check) {
        /** What comes out, or null if it is left out. */
        TensorInfo target() {
            return drop == null ? recipe.tensor() : null;
        }

        /** Bytes of what comes out. */
        long bytes() {
            return Shapes.bytes(target().shape(), target().dtype());
        }
    }

    /** What a tensor should hold that is left out. */
    sealed interface Check {
        /**
         * Looks at it.
         *
         * @return a warning, or null
         * @throws IllegalArgumentException if it must not be left out, with why
         */
        String check(TensorInfo tensor, ByteBuffer bytes, Function<String, ByteBuffer> stored);
    }

    /** The bytes of another tensor. */
    record SameAs(Recipe other) implements Check {
        @Override
        public String check(TensorInfo tensor, ByteBuffer bytes, Function<String, ByteBuffer> stored) {
            TensorInfo first = other.tensor();
            if (!tensor.shape().equals(first.shape())
                    || tensor.dtype() != first.dtype()
                    || !other.make(stored).equals(bytes)) {
                throw new IllegalArgumentException(
                        "should be a second name of '" + first.name() + "', but holds something else");
            }
            return null;
        }
    }

    /**
     * Powers of a number with exponents in even steps: element i is base^(-i/divisor).
     *
     * @param divisor null is the number of elements
     */
    record Powers(int base, Integer divisor) implements Check {
        private static final Pattern TEXT = Pattern.compile("(\\d{1,9})\\^\\(-i/([1-9]\\d{0,8}|n)\\)");

        /** More than bfloat16 loses, less than a divisor of one more or less makes at the end. */
        private static final double TOLERANCE = 0.006;

        /** @throws IllegalArgumentException if it is not such a formula */
        static Powers parse(String text) {
            Matcher matcher = TEXT.matcher(text);
            if (!matcher.matches()) {
                throw new IllegalArgumentException("expected a formula like 10000^(-i/255), got '" + text + "'");
            }
            return new Powers(
                    Integer.parseInt(matcher.group(1)),
                    matcher.group(2).equals("n") ? null : Integer.valueOf(matcher.group(2)));
        }

        @Override
        public String check(TensorInfo tensor, ByteBuffer bytes, Function<String, ByteBuffer> stored) {
            float[] values = Floats.of("", tensor, bytes);
            int steps = divisor == null ? values.length : divisor;
            for (int i = 0; i < values.length; i++) {
                double power = Math.pow(base, -(double) i / steps);
                if (!(Math.abs(values[i] - power) <= TOLERANCE * power)) {
                    return String.format(
                            Locale.ROOT,
                            "tensor '%s' does not hold %d^(-i/%d), as the model computes: element %d is %.4g, not %.4g;"
                                    + " what is stored is not used",
                            tensor.name(),
                            base,
                            steps,
                            i,
                            values[i],
                            power);
                }
            }
            return null;
        }
    }

    /** The tensors of a checkpoint under their own names. */
    MappedWeights(Checkpoint checkpoint) {
        this(
                checkpoint,
                null,
                checkpoint.tensors().values().stream()
                        .map(tensor -> new Mapping(new Recipe.Stored(tensor), null, null))
                        .toList());
    }

    private MappedWeights(Checkpoint checkpoint, String family, List<Mapping> mappings) {
        this.checkpoint = checkpoint;
        this.family = family;
        this.mappings = mappings;
        for (Mapping mapping : mappings) {
            if (mapping.target() != null) {
                byTarget.put(mapping.target().name(), mapping);
            }
        }
        this.order = List.copyOf(byTarget.values());
        order.forEach(mapping -> place.put(mapping.target().name(), place.size()));
    }

    /** The names of the weights, in the order of the checkpoint. */
    Set<String> names() {
        return byTarget.keySet();
    }

    Recipe recipe(String name) {
        return byTarget.get(name).recipe();
    }

    /** Name of the checkpoint, for errors. */
    String fileName() {
        return checkpoint.name();
    }

    /** The same checkpoint under the names that further rules give; what was dropped before stays so. */
    MappedWeights renamed(String newFamily, List<Mapping> made) {
        List<Mapping> all = new ArrayList<>(made);
        mappings.stream().filter(mapping -> mapping.drop() != null).forEach(all::add);
        return new MappedWeights(checkpoint, newFamily, all);
    }

    /** The same weights with all floating-point numbers in one type. */
    public MappedWeights cast(DType type) {
        return new MappedWeights(
                checkpoint,
                family,
                mappings.stream()
                        .map(mapping -> {
                            DType from = mapping.recipe().tensor().dtype();
                            return mapping.drop() != null || from == type || !Floats.isFloating(from)
                                    ? mapping
                                    : new Mapping(cast(mapping.recipe(), type), null, null);
                        })
                        .toList());
    }

    private Recipe cast(Recipe from, DType type) {
        Recipe.Cast cast = new Recipe.Cast(from, type);
        TensorInfo tensor = cast.tensor();
        long bytes = Shapes.bytes(tensor.shape(), type);
        if (bytes < 0 || bytes > FileBytes.MAX_ARRAY) {
            throw broken(
                    "too-large",
                    "weight '" + tensor.name() + "' of shape " + tensor.shape() + " has "
                            + (bytes < 0 ? "more than 2^63" : bytes) + " bytes as " + type + ", a buffer holds "
                            + FileBytes.MAX_ARRAY + "; leave it as "
                            + from.tensor().dtype());
        }
        return cast;
    }

    /** The weights as if a file stored them so; closing it closes nothing. */
    public Checkpoint asCheckpoint() {
        return new View();
    }

    @Override
    public List<TensorInfo> tensors() {
        return byTarget.values().stream().map(Mapping::target).toList();
    }

    /**
     * The bytes of a weight in the type it is stored in: little-endian, row-major, positioned at 0. Does not count as taking it.
     *
     * @throws CheckpointException if it is missing (with the nearest name), cannot be read, or holds a NaN or an infinity
     */
    public ByteBuffer bytes(String name) {
        Mapping mapping = mapping(name);
        ByteBuffer bytes = read(mapping);
        long bad = Floats.firstNotFinite(mapping.target().dtype(), bytes);
        if (bad >= 0) {
            throw broken(
                    "not-finite",
                    "weight '" + name + "' has a NaN or an infinity at element " + bad
                            + (mapping.recipe() instanceof Recipe.Cast cast ? ", as " + cast.to() : "")
                            + " (tensor " + mapping.recipe().storedNames() + ")");
        }
        return bytes;
    }

    @Override
    public float[] take(String name, long... shape) {
        Mapping mapping = mapping(name);
        List<Long> needed = Arrays.stream(shape).boxed().toList();
        if (!mapping.target().shape().equals(needed)) {
            throw broken(
                    "misshapen-tensor",
                    "weight '" + name + "' (tensor " + mapping.recipe().storedNames() + ") has the shape "
                            + mapping.target().shape() + ", the model needs " + needed);
        }
        if (!taken.add(name)) {
            throw new IllegalStateException("weight '" + name + "' was taken before");
        }
        FutureTask<float[]> read = reading(mapping);
        readAhead(mapping);
        // Does nothing if another thread has begun with it.
        read.run();
        try {
            return read.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e.getCause();
        } finally {
            forget(mapping);
        }
    }

    private FutureTask<float[]> reading(Mapping mapping) {
        String name = mapping.target().name();
        return reads.computeIfAbsent(
                name, key -> new FutureTask<>(() -> Floats.of(checkpoint.name(), mapping.target(), bytes(name))));
    }

    /** Has other threads read what follows a weight in the checkpoint: what a layer needs mostly stands together. */
    private synchronized void readAhead(Mapping mapping) {
        int begin = place.get(mapping.target().name());
        for (int i = 1; i <= Math.min(LOOK_AHEAD, order.size() - 1) && bytesAhead < MOST_AHEAD; i++) {
            Mapping next = order.get((begin + i) % order.size());
            String name = next.target().name();
            // What is large may be so by mistake; taking it tells.
            if (!taken.contains(name) && !reads.containsKey(name) && next.bytes() <= MOST_AHEAD) {
                ahead.add(name);
                bytesAhead += next.bytes();
                ForkJoinPool.commonPool().execute(reading(next));
            }
        }
    }

    private synchronized void forget(Mapping mapping) {
        String name = mapping.target().name();
        reads.remove(name);
        if (ahead.remove(name)) {
            bytesAhead -= mapping.bytes();
        }
    }

    @Override
    public String sourceName(String name) {
        return String.join(", ", mapping(name).recipe().steps().keySet());
    }

    @Override
    public void finish() {
        List<String> left =
                byTarget.keySet().stream().filter(name -> !taken.contains(name)).toList();
        if (!left.isEmpty()) {
            throw broken("unused-weight", "the model takes no weight '" + left.get(0) + "'" + more(left));
        }
        ledger();
    }

    @Override
    public synchronized Ledger ledger() {
        if (ledger == null) {
            List<Ledger.Entry> all = new ArrayList<>();
            for (Mapping mapping : mappings) {
                if (mapping.drop() != null && mapping.check() == null) {
                    entries.computeIfAbsent(mapping, this::dropped);
                } else if (!entries.containsKey(mapping)) {
                    read(mapping);
                }
                all.addAll(entries.get(mapping));
            }
            Map<String, Integer> stored = new HashMap<>();
            checkpoint.tensors().keySet().forEach(name -> stored.put(name, stored.size()));
            all.sort(Comparator.comparing(entry -> stored.get(entry.source())));
            ledger = new Ledger(checkpoint.name(), checkpoint.sha256(), family, List.copyOf(all));
        }
        return ledger;
    }

    /** Enters what is left out, which may be large and is only looked through. */
    private List<Ledger.Entry> dropped(Mapping mapping) {
        return mapping.recipe().steps().keySet().stream()
                .map(source -> {
                    Sha256 sha256 = new Sha256();
                    checkpoint.read(source, sha256::update);
                    return entry(mapping, source, sha256.hex(), null);
                })
                .toList();
    }

    private Ledger.Entry entry(Mapping mapping, String source, String before, String after) {
        TensorInfo target = mapping.target();
        TensorInfo told = target == null ? checkpoint.tensors().get(source) : target;
        return new Ledger.Entry(
                source,
                target == null
                        ? "drop: " + mapping.drop()
                        : Recipe.text(mapping.recipe().steps().get(source)),
                target == null ? null : target.name(),
                told.shape(),
                told.dtype(),
                before,
                after);
    }

    /** Makes a weight, or what is left out, and enters it into the ledger. */
    private ByteBuffer read(Mapping mapping) {
        if (entries.containsKey(mapping)) {
            return mapping.recipe().make(checkpoint::read);
        }
        Map<String, String> before = new HashMap<>();
        ByteBuffer bytes = mapping.recipe().make(name -> {
            ByteBuffer stored = checkpoint.read(name);
            before.put(name, Sha256.hex(stored));
            return stored;
        });
        check(mapping, bytes);
        String after = mapping.drop() != null
                ? null
                : mapping.recipe().isCopy() ? before.values().iterator().next() : Sha256.hex(bytes);
        entries.put(
                mapping,
                mapping.recipe().steps().keySet().stream()
                        .map(source -> entry(mapping, source, before.get(source), after))
                        .toList());
        return bytes;
    }

    private void check(Mapping mapping, ByteBuffer bytes) {
        if (mapping.check() != null) {
            TensorInfo dropped = mapping.recipe().tensor();
            try {
                String warning = mapping.check().check(dropped, bytes, checkpoint::read);
                if (warning != null) {
                    warnings.add(warning);
                }
            } catch (IllegalArgumentException e) {
                throw broken("second-name", "tensor '" + dropped.name() + "' " + e.getMessage());
            }
        }
    }

    /** What a user should know of what was left out, complete when the ledger is. */
    public List<String> warnings() {
        return List.copyOf(warnings);
    }

    private Mapping mapping(String name) {
        Mapping mapping = byTarget.get(name);
        if (mapping == null) {
            throw broken(
                    "missing-tensor", "there is no weight '" + name + "'" + Names.nearest(name, byTarget.keySet()));
        }
        return mapping;
    }

    private static String more(List<String> names) {
        return names.size() == 1 ? "" : " (and " + (names.size() - 1) + " more)";
    }

    private CheckpointException broken(String rule, String detail) {
        return new CheckpointException(checkpoint.name(), -1, rule, detail);
    }

    private final class View implements Checkpoint {
        @Override
        public String name() {
            return checkpoint.name();
        }

        @Override
        public String format() {
            return checkpoint.format();
        }

        @Override
        public Map<String, TensorInfo> tensors() {
            Map<String, TensorInfo> tensors = new LinkedHashMap<>();
            byTarget.forEach((name, mapping) -> tensors.put(name, mapping.target()));
            return tensors;
        }

        @Override
        public ByteBuffer read(String name) {
            return mapping(name).recipe().make(checkpoint::read);
        }

        @Override
        public float[] floats(String name) {
            return Floats.of(checkpoint.name(), mapping(name).target(), read(name));
        }

        @Override
        public Map<String, String> metadata() {
            return checkpoint.metadata();
        }

        @Override
        public List<String> warnings() {
            return checkpoint.warnings();
        }

        @Override
        public String sha256() {
            return checkpoint.sha256();
        }

        @Override
        public void close() {
            // The checkpoint is another's.
        }
    }
}
