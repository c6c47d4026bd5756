package org.luthier.model.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Test;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValueCache;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Projection;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Closing a session and a model frees all that they had, at once and not when the garbage is collected. */
class MemoryTest {
    /** Sees what kernels make and what they are given, between a model and the plain kernels. */
    private static final class Watch {
        private final List<AutoCloseable> open = new ArrayList<>();
        private final Set<INDArray> given = Collections.newSetFromMap(new IdentityHashMap<>());

        <T> T watch(Class<T> type, Object object) {
            return type.cast(Proxy.newProxyInstance(
                    type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                        if (method.getName().equals("close")) {
                            assertTrue(open.removeIf(each -> each == proxy), "closed twice");
                        }
                        return watched(method, call(object, method, arguments));
                    }));
        }

        private Object call(Object object, Method method, Object[] arguments) throws Throwable {
            for (Object argument : arguments == null ? new Object[0] : arguments) {
                if (argument instanceof INDArray array) {
                    given.add(array);
                }
            }
            try {
                return method.invoke(object, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }

        private Object watched(Method method, Object made) {
            Class<?> type = method.getReturnType();
            if (type != Projection.class && type != KeyValues.class && type != KeyValueCache.class) {
                return made;
            }
            Object watched = watch(type, made);
            open.add((AutoCloseable) watched);
            return watched;
        }

        long tensorsInMemory() {
            return given.stream().filter(array -> !array.data().wasClosed()).count();
        }
    }

    private static Mt3Model load(Kernels kernels) {
        Mt3Configuration configuration = Mt3Configuration.of(Models.definition(TinyModelTest.FOLDER));
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(TinyModelTest.FOLDER.resolve("tiny.safetensors"))) {
            return new Mt3Model(
                    Models.definition(TinyModelTest.FOLDER),
                    configuration,
                    NameRules.choose(new Mt3Family().nameRules(), checkpoint).apply(checkpoint, Mt3Family.ID),
                    kernels);
        }
    }

    /** Batches of several sizes, prompts, rows that leave and come. */
    private static void use(Session session) {
        for (int rows : new int[] {2, 7, 1}) {
            try (INDArray features = Nd4j.zeros(rows, 12, Mt3Frontend.BANDS)) {
                session.begin(features, Position.segments(0, rows));
                session.prefill(Collections.nCopies(rows, IntLists.immutable.of(0, 5, 6)));
                session.step(new int[rows], null);
                session.retain(new int[] {0});
                session.reorder(new int[] {0, 0, 0});
                session.step(new int[3], null);
                try (INDArray kept = session.encoded().dup('c')) {
                    session.beginEncoded(kept, Position.segments(0, rows));
                    session.step(new int[rows], null);
                }
            }
        }
    }

    @Test
    void closingFreesEverything() {
        Watch watch = new Watch();
        try (Mt3Model model = load(watch.watch(Kernels.class, Kernels.named("plain")))) {
            int weights = watch.open.size();
            assertTrue(weights > 0);
            for (Probe probe : List.of(Probe.NONE, (Probe) new Recorder(name -> true))) {
                try (Session session = model.open(2, probe)) {
                    use(session);
                    assertTrue(watch.open.size() > weights, "a session has keys and values");
                }
                assertEquals(weights, watch.open.size(), "keys and values after closing the session");
            }
        }
        assertEquals(0, watch.open.size(), "matrices after closing the model");
        assertTrue(watch.given.size() > 100);
        assertEquals(0, watch.tensorsInMemory(), "tensors of the sessions and the model");
    }
}
