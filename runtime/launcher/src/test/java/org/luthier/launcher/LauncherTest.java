package org.luthier.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleException;

class LauncherTest {
    @Test
    void aMissingPackageIsToldPlainly() {
        String felix =
                "Unable to resolve org.luthier.shell [12](R 12.0): missing requirement [org.luthier.shell [12](R 12.0)] "
                        + "osgi.wiring.package; (&(osgi.wiring.package=org.luthier.debug)(version>=1.0.0)(!(version>=2.0.0))) [caused by: Unable "
                        + "to resolve org.luthier.debug [9](R 9.0): missing requirement [org.luthier.debug [9](R 9.0)] osgi.wiring.package; "
                        + "(&(osgi.wiring.package=org.gone)(version>=3.1.0)(!(version>=4.0.0)))] Unresolved requirements: [[org.luthier.shell]]";
        assertEquals(
                "nobody exports the package org.gone, version [3.1.0,4.0.0)",
                Launcher.oneLine(new BundleException(felix, BundleException.RESOLVE_ERROR)));
        assertEquals(
                "nobody exports the package org.gone",
                Launcher.oneLine(new BundleException(
                        "Unable to resolve x: missing requirement [x] osgi.wiring.package; (osgi.wiring.package=org.gone)",
                        BundleException.RESOLVE_ERROR)));
    }

    @Test
    void otherTroubleKeepsItsCause() {
        assertEquals(
                "Activator start error (java.lang.IllegalStateException: no)",
                Launcher.oneLine(new BundleException("Activator\nstart error", new IllegalStateException("no"))));
    }
}
