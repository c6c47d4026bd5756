package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.FutureTask;
import org.luthier.api.CancelledException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
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
    private final Map<Mapping, Ledger.Entry> entries = new ConcurrentHashMap<>();
    private final Map<String, FutureTask<float[]>> reads = new ConcurrentHashMap<>();
    private final Set<String> taken = ConcurrentHashMap.newKeySet();

    private final List<Mapping> order;
    private final Map<String, Integer> place = new HashMap<>();

    /** What is read ahead; guarded by this object, as are the two below. */
    private final Set<String> ahead = new HashSet<>();

    private long bytesAhead;
    private Ledger ledger;

    /**
     * What becomes of one tensor.
     *
     * @param how for the ledger
     * @param target what comes out, or null if it is dropped
     */
    record Mapping(TensorInfo source, String how, TensorInfo target, Transform transform) {
        /** Bytes of what comes out. */
        long bytes() {
            return Shapes.bytes(target.shape(), target.dtype());
        }
    }

    MappedWeights(Checkpoint checkpoint, String family, List<Mapping> mappings) {
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

    /** The weights under their canonical names, in the order of the checkpoint. */
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
            throw broken("not-finite", "weight '" + name + "' has a NaN or an infinity at element " + bad);
        }
        return bytes;
    }

    @Override
    public float[] take(String name, long... shape) {
        Mapping mapping = mapping(name);
        List<Long> needed = java.util.Arrays.stream(shape).boxed().toList();
        if (!mapping.target().shape().equals(needed)) {
            throw broken(
                    "misshapen-tensor",
                    "weight '" + name + "' (tensor '" + mapping.source().name() + "') has the shape "
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
        return mapping(name).source().name();
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
                if (!entries.containsKey(mapping)) {
                    read(mapping);
                }
                all.add(entries.get(mapping));
            }
            ledger = new Ledger(checkpoint.name(), checkpoint.sha256(), family, List.copyOf(all));
        }
        return ledger;
    }

    /** Reads and transforms a tensor, and enters it into the ledger. */
    private ByteBuffer read(Mapping mapping) {
        ByteBuffer stored = checkpoint.read(mapping.source().name()).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer bytes = mapping.transform().apply(mapping.source(), stored);
        if (!entries.containsKey(mapping)) {
            String before = Sha256.hex(stored);
            TensorInfo told = mapping.target() == null ? mapping.source() : mapping.target();
            entries.put(
                    mapping,
                    new Ledger.Entry(
                            mapping.source().name(),
                            mapping.how(),
                            mapping.target() == null ? null : told.name(),
                            told.shape(),
                            told.dtype(),
                            before,
                            mapping.target() == null
                                    ? null
                                    : mapping.transform().isCopy() ? before : Sha256.hex(bytes)));
        }
        return bytes;
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
}
