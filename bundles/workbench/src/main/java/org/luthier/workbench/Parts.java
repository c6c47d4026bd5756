package org.luthier.workbench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.plugin.Part;

/**
 * The parts that there are, and the jobs that hold them.
 *
 * <p>Several parts may share an id, which is how one is replaced without a gap: the highest ranking, then the highest version, then the
 * newest one is given to new jobs. A part that leaves is drained first. All a job's parts are taken at once, so that a job that waits
 * for a part holds none that others wait for.
 */
public final class Parts {
    private static final Duration DRAIN = Duration.ofMinutes(10);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    /** How often a waiting caller looks whether it was cancelled. */
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final Comparator<Entry> BEST_FIRST = Comparator.comparingInt(Entry::ranking)
            .thenComparing(Entry::version, Versions.ORDER)
            .thenComparingLong(Entry::serial)
            .reversed();

    private final Duration drain;
    private final Duration patience;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Entry> entries = new ArrayList<>();
    /** When the last part of an id was gone, by {@link System#nanoTime}. */
    private final Map<Want, Long> gone = new HashMap<>();

    private final List<Consumer<Part>> departures = new CopyOnWriteArrayList<>();
    private long serial;

    public Parts() {
        this(DRAIN, PATIENCE);
    }

    /**
     * @param drain how long a leaving part waits for its jobs before they are ended
     * @param patience how long a job waits for a part that has left to come again, and a part for its jobs to end once told
     */
    public Parts(Duration drain, Duration patience) {
        this.drain = drain;
        this.patience = patience;
    }

    /** One registration. Everything that changes is guarded by the lock. */
    static final class Entry {
        private final Class<? extends Part> kind;
        private final Part part;
        private final String version;
        private final int ranking;
        private final long serial;
        private final List<Leases> holders = new ArrayList<>();
        private boolean leaving;

        private Entry(Class<? extends Part> kind, Part part, String version, int ranking, long serial) {
            this.kind = kind;
            this.part = part;
            this.version = version;
            this.ranking = ranking;
            this.serial = serial;
        }

        Class<? extends Part> kind() {
            return kind;
        }

        Part part() {
            return part;
        }

        String version() {
            return version;
        }

        private Want want() {
            return new Want(kind, part.id());
        }

        private int ranking() {
            return ranking;
        }

        private long serial() {
            return serial;
        }
    }

    /**
     * Adds a part.
     *
     * @param kind contract under which it is asked for; a note assembler's is {@code NoteAssembler.class}
     * @param version version of the bundle it comes from
     * @param ranking the higher one of two parts of one id is chosen
     */
    public <P extends Part> Registration add(Class<P> kind, P part, String version, int ranking) {
        lock.lock();
        try {
            Entry entry = new Entry(kind, part, version, ranking, serial++);
            entries.add(entry);
            entries.sort(BEST_FIRST);
            gone.remove(entry.want());
            changed.signalAll();
            return () -> remove(entry);
        } finally {
            lock.unlock();
        }
    }

    /** Every part, the leaving ones too; in the order of kind and id, the chosen one of an id first. */
    public List<PartInfo> list() {
        lock.lock();
        try {
            return entries.stream()
                    .sorted(Comparator.comparing((Entry entry) -> entry.kind.getSimpleName())
                            .thenComparing(entry -> entry.part.id()))
                    .map(this::describe)
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /** The ids of a kind that a new job can ask for, sorted. */
    public List<String> ids(Class<? extends Part> kind) {
        lock.lock();
        try {
            return entries.stream()
                    .filter(entry -> entry.kind == kind && !entry.leaving)
                    .map(entry -> entry.part.id())
                    .distinct()
                    .sorted()
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /** The ids of a kind that a new job can ask for and whose parts pass a test, sorted. Waits for none. */
    <P extends Part> List<String> ids(Class<P> kind, Predicate<P> test) {
        lock.lock();
        try {
            return ids(kind).stream()
                    .filter(id -> test.test(kind.cast(choice(new Want(kind, id)).part)))
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for the parts of a kind that left a moment ago, until they have come again or nobody expects them any more.
     *
     * @return whether there was one to wait for
     * @throws CancelledException if it was cancelled or the thread interrupted
     */
    boolean awaitReturn(Class<? extends Part> kind, Cancellation cancellation) {
        lock.lock();
        try {
            boolean waited = false;
            while (isAwaited(kind)) {
                waited = true;
                awaitChange(cancellation);
            }
            return waited;
        } finally {
            lock.unlock();
        }
    }

    /** Takes parts for a short while, within a call that nothing interrupts. */
    public Leases acquire(Want... wants) {
        return acquire(List.of(wants), reason -> {}, Cancellation.NONE);
    }

    /**
     * Takes all the parts that a job needs. One that left a moment ago is waited for, holding none of the others.
     *
     * @param abort told when the job must end because a part's drain time is over
     * @param cancellation ends the waiting
     * @throws LuthierException if there is no such part, with the ids that there are
     */
    public Leases acquire(List<Want> wants, Consumer<LuthierException> abort, Cancellation cancellation) {
        lock.lock();
        try {
            for (Want missing = missing(wants); missing != null; missing = missing(wants)) {
                if (!isAwaited(missing)) {
                    throw unknown(missing);
                }
                awaitChange(cancellation);
            }
            Leases leases = new Leases(this, abort);
            for (Want want : wants) {
                Entry entry = choice(want);
                entry.holders.add(leases);
                leases.held().add(entry);
            }
            return leases;
        } finally {
            lock.unlock();
        }
    }

    /** Registers who wants to know that a part has left and its jobs have ended. */
    void onDeparture(Consumer<Part> listener) {
        departures.add(listener);
    }

    void release(Leases leases) {
        lock.lock();
        try {
            for (Entry entry : leases.held()) {
                entry.holders.remove(leases);
            }
            leases.held().clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void remove(Entry entry) {
        lock.lock();
        try {
            if (!entries.contains(entry) || entry.leaving) {
                return;
            }
            entry.leaving = true;
            awaitHolders(entry, drain);
            if (!entry.holders.isEmpty()) {
                LuthierException reason = new LuthierException("ended because " + entry.part.id() + " " + entry.version
                        + " was replaced and its jobs had " + drain.toSeconds() + " s to finish; start it again");
                List.copyOf(entry.holders).forEach(holder -> holder.abort(reason));
                awaitHolders(entry, patience);
            }
            entries.remove(entry);
            if (entries.stream().noneMatch(other -> other.want().equals(entry.want()))) {
                gone.put(entry.want(), System.nanoTime());
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        departures.forEach(listener -> listener.accept(entry.part));
    }

    private void awaitChange(Cancellation cancellation) {
        cancellation.check();
        try {
            changed.awaitNanos(POLL_NANOS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }

    private void awaitHolders(Entry entry, Duration limit) {
        long nanos = limit.toNanos();
        boolean interrupted = false;
        while (!entry.holders.isEmpty() && nanos > 0) {
            try {
                nanos = changed.awaitNanos(nanos);
            } catch (InterruptedException e) {
                // An interrupted drain would close what jobs still use.
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private Want missing(List<Want> wants) {
        for (Want want : wants) {
            if (choice(want) == null) {
                return want;
            }
        }
        return null;
    }

    private Entry choice(Want want) {
        for (Entry entry : entries) {
            if (!entry.leaving && entry.want().equals(want)) {
                return entry;
            }
        }
        return null;
    }

    /** Whether a missing part is still leaving, or left a moment ago, so that its successor may be on its way. */
    private boolean isAwaited(Want want) {
        if (entries.stream().anyMatch(entry -> entry.want().equals(want))) {
            return true;
        }
        Long since = gone.get(want);
        return since != null && System.nanoTime() - since < patience.toNanos();
    }

    /** Whether a part of a kind is missing that is awaited. */
    private boolean isAwaited(Class<? extends Part> kind) {
        return Stream.concat(entries.stream().map(Entry::want), gone.keySet().stream())
                .anyMatch(want -> want.kind() == kind && choice(want) == null && isAwaited(want));
    }

    private LuthierException unknown(Want want) {
        List<String> ids = ids(want.kind());
        return new LuthierException("no " + kindWords(want.kind()) + " '" + want.id() + "'; "
                + (ids.isEmpty()
                        ? "there is none: install a plug-in that has one"
                        : "there are: " + String.join(", ", ids)));
    }

    private PartInfo describe(Entry entry) {
        return new PartInfo(
                entry.kind.getSimpleName(),
                entry.part.id(),
                entry.part.description(),
                entry.version,
                entry.ranking,
                choice(entry.want()) == entry,
                entry.holders.size(),
                entry.leaving);
    }

    /** {@code NoteAssembler} as {@code note assembler}. */
    private static String kindWords(Class<? extends Part> kind) {
        return kind.getSimpleName().replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
    }
}
