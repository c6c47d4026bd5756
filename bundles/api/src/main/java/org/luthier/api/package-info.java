/** What every room shares: the one error type, progress and cancellation. */
@Export
@Version("1.0.0")
package org.luthier.api;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
