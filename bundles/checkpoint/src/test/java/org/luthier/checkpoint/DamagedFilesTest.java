package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.AfterProperty;

/**
 * Real files, cut and damaged where their structure is: whatever happens, a reader reads or refuses, see {@link FuzzedReader}. Minutes
 * of the same, guided by what the readers do, are in {@link LongFuzzTest}.
 */
class DamagedFilesTest {
    /** Thousands of times what a case takes; only what never ends gets here. */
    private static final long PATIENCE_SECONDS = 60;

    private static final ExecutorService WORKER = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "damaged files");
        thread.setDaemon(true);
        return thread;
    });

    private static final Map<FuzzedReader, Integer> READ = new EnumMap<>(FuzzedReader.class);
    private static final Map<FuzzedReader, Integer> REFUSED = new EnumMap<>(FuzzedReader.class);

    @AfterContainer
    static void end() {
        WORKER.shutdownNow();
    }

    @Property(tries = 20_000, seed = "20260101", edgeCases = EdgeCasesMode.NONE)
    void damage(
            @ForAll FuzzedReader reader, @ForAll @IntRange(max = 99) int seed, @ForAll("damages") List<Damage> damages)
            throws Exception {
        List<List<byte[]>> seeds = reader.seeds();
        List<byte[]> files = seeds.get(seed % seeds.size());
        for (Damage damage : damages) {
            files = damage.apply(files, seeds);
        }
        (read(reader, files) ? READ : REFUSED).merge(reader, 1, Integer::sum);
    }

    /** Most damage is seen by most readers, and each gets through with some. */
    @AfterProperty
    void eachReaderReadAndRefused() {
        if (!REFUSED.isEmpty()) {
            for (FuzzedReader reader : FuzzedReader.values()) {
                assertTrue(REFUSED.getOrDefault(reader, 0) > 500, reader + " refused " + REFUSED.get(reader));
                assertTrue(READ.getOrDefault(reader, 0) > 5, reader + " read " + READ.get(reader));
            }
        }
    }

    @Provide
    Arbitrary<List<Damage>> damages() {
        Arbitrary<Integer> numbers = Arbitraries.integers().between(0, 1 << 16);
        return Combinators.combine(
                        Arbitraries.of(Damage.Kind.class),
                        Arbitraries.integers().between(0, 7),
                        numbers,
                        numbers,
                        numbers)
                .as(Damage::new)
                .list()
                .ofMinSize(1)
                .ofMaxSize(3);
    }

    @Example
    void everyCutIsRefused() throws Exception {
        for (FuzzedReader reader : FuzzedReader.values()) {
            for (List<byte[]> files : reader.seeds().subList(0, 1)) {
                assertTrue(read(reader, files), reader + " whole");
                for (int file = 0; file < files.size(); file++) {
                    List<byte[]> cut = new ArrayList<>(files);
                    for (int length = 0; length < files.get(file).length; length++) {
                        cut.set(file, Arrays.copyOf(files.get(file), length));
                        assertFalse(
                                read(reader, cut),
                                reader + ": " + reader.names.get(file) + " cut to " + length + " bytes");
                    }
                }
            }
        }
    }

    @Example
    void filesComeApartAsTheyWerePutTogether() {
        for (FuzzedReader reader : FuzzedReader.values()) {
            for (List<byte[]> files : reader.seeds()) {
                List<byte[]> again = reader.split(FuzzedReader.join(files));
                assertTrue(Arrays.deepEquals(files.toArray(), again.toArray()), reader.name());
            }
        }
    }

    private static boolean read(FuzzedReader reader, List<byte[]> files) throws Exception {
        try {
            return WORKER.submit(() -> reader.read(files)).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError(reader + ": " + e.getCause(), e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError(reader + " does not end", e);
        }
    }
}
